/**
 * The Redis keys of one partition of an environment's sessions. The braces are a hash tag of Redis Cluster: all keys of a
 * partition are on one node, where a script changes them atomically. The partitions are spread over the nodes.
 */
export interface Partition {
  /** A sorted set in the order of expiry. An entry is the time and the session key. */
  byExpiry: string;
  /** A sorted set in the order of owners. An entry is the owner as JSON and the session key. */
  byOwner: string;
  /** A set with the session keys of the records that were set aside. */
  setAside: string;
  record(sessionKey: string): string;
  aside(sessionKey: string): string;
}

// A session key is a hash in base64url, so its first character distributes the sessions evenly.
const firstCharacters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Finds the Redis keys of an environment's sessions. */
export class RedisKeys {
  readonly partitions: Partition[];

  /** @param name separates environments that share a server */
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
