/**
 * The keys of one part of an environment's sessions. The braces are a hash tag of Redis Cluster: what is in one part is
 * on one node, where a script changes it all at once. The partitions spread over the nodes.
 */
export interface Partition {
  /** A sorted set in the order of expiry; an entry is the time and the session's key. */
  byExpiry: string;
  /** A sorted set in the order of owners; an entry is the owner, as JSON, and the session's key. */
  byOwner: string;
  /** The keys of the sessions whose records were set aside. */
  setAside: string;
  record(sessionKey: string): string;
  aside(sessionKey: string): string;
}

// A session's key is a hash in base64url, so that its first character is as good as any other hash of it.
const firstCharacters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Where each session of an environment is. */
export class RedisKeys {
  readonly partitions: Partition[];

  /** @param name keeps environments apart that share a server */
  constructor(name: string) {
    this.partitions = [...firstCharacters].map((character) => createPartition(encodeURIComponent(name), character));
  }

  partitionOf(sessionKey: string): Partition {
    const number = firstCharacters.indexOf(sessionKey.charAt(0));
    return this.partitions[Math.max(0, number)] as Partition;
  }
}

function createPartition(name: string, character: string): Partition {
  const prefix = `sessapp:{${name}:${character}}`;
  return {
    byExpiry: `${prefix}:by-expiry`,
    byOwner: `${prefix}:by-owner`,
    setAside: `${prefix}:set-aside`,
    record: (sessionKey) => `${prefix}:record:${sessionKey}`,
    aside: (sessionKey) => `${prefix}:aside:${sessionKey}`,
  };
}
