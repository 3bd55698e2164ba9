/** What a store keeps for one session. */
export interface SessionRecord {
  /** The session's data as JSON. */
  data: string;
  createdAtMs: number;
  seenAtMs: number;
  /** From this time on the record counts as gone, whether or not it was pruned. */
  expiresAtMs: number;
  /** The user that the session belongs to, where the application said so. */
  owner?: string;
  /** Names the secret that the client's cookie is signed by, as far as the server knows. */
  keyId?: string;
}

export interface StoredRecord extends SessionRecord {
  key: string;
  /** Grows by one at each update. */
  version: number;
}

/**
 * Which records `list` yields, in the order of their expiry (of their key, for one owner). One whose place changes while
 * the list is read may come twice.
 */
export interface ListQuery {
  owner?: string;
  /**
   * Only those whose key begins so; not together with an owner. A store that can walk over its keys does so: as no key
   * changes, it then misses none and yields none twice. The empty prefix means all.
   */
  prefix?: string;
  expiresBeforeMs?: number;
  limit?: number;
}

/**
 * Where sessions live. A key is a hash of the session's id, never the id itself. Every promise is kept once it
 * resolves, also after a crash; it rejects when the store cannot answer.
 */
export interface Driver {
  /** True: it is given each session key with its id (`identifiedKeyOf`), as it stores sessions under their ids. */
  needsIds?: boolean;
  read(key: string): Promise<StoredRecord | undefined>;
  /** False: there is such a key already. Its version is 1, but for a record that comes from another store with its own. */
  create(key: string, record: SessionRecord, version?: number): Promise<boolean>;
  /** Compare-and-swap. False: the record is gone, or no longer of this version. Never creates one. */
  update(key: string, version: number, record: SessionRecord): Promise<boolean>;
  /** Moves the times of a record of this version, not its data or its version. One that is not there stays so. */
  touch(key: string, version: number, seenAtMs: number, expiresAtMs: number): Promise<void>;
  delete(key: string): Promise<void>;
  /** Takes a record that makes no sense out of the way, and keeps it as it is for a person to look at. */
  setAside(key: string): Promise<void>;
  list(query: ListQuery): AsyncIterable<StoredRecord>;
  /** Deletes at most `limit` records that have expired by `nowMs`, and says how many. */
  prune(nowMs: number, limit: number): Promise<number>;
  /** How many records were set aside; undefined when the store cannot tell. */
  countSetAside?(): Promise<number | undefined>;
  /** Writes a consistent copy of the whole store to a new file while others use it. False: the store is not a file. */
  backup?(file: string): Promise<boolean>;
  /** Resolves when the store answers. */
  ping(): Promise<void>;
  /** What in the store's own configuration can lose sessions, each a sentence. */
  warnings?(): Promise<string[]>;
  close(): Promise<void>;
}

export interface AddressRules {
  /** Without a password. */
  example: string;
  /** What is wrong with this address, as the end of a sentence that begins with its name; it quotes nothing of it. */
  findFault(url: string): string | undefined;
}

/** Where a store, or the session layer, reports. It hands over no id, no secret and no cookie. */
export interface Log {
  warn(detail: object, message: string): void;
  error(detail: object, message: string): void;
}
