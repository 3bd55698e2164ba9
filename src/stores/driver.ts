/** The data that a store keeps for one session. */
export interface SessionRecord {
  /** The session's data as JSON. */
  data: string;
  createdAtMs: number;
  seenAtMs: number;
  /** From this time on, the record counts as gone, even if it was not pruned yet. */
  expiresAtMs: number;
  /** The user that the session belongs to, if the application named one. */
  owner?: string;
  /** The id of the secret that signed the client's cookie, as far as the server knows. */
  keyId?: string;
}

export interface StoredRecord extends SessionRecord {
  /** The session key. */
  key: string;
  /** Each update increases it by one. */
  version: number;
}

/**
 * Selects the records that `list` yields, ordered by expiry, or by session key for an owner or a prefix. A record whose expiry
 * changes while the list is read may be yielded twice.
 */
export interface ListQuery {
  owner?: string;
  /**
   * Only records whose session key begins with this. Do not combine it with `owner`. The empty prefix selects all records. If the
   * store can iterate by key, the list misses no record and yields none twice, because a session key never changes.
   */
  prefix?: string;
  expiresBeforeMs?: number;
  limit?: number;
}

/**
 * The interface to a store. `key` is always a session key: a hash of the session id, never the id itself. When a promise
 * resolves, its effect is durable, even after a crash. A promise rejects when the store fails.
 */
export interface Driver {
  /** True: the driver stores sessions under their ids, so each session key that it gets includes the id (`identifiedKeyOf`). */
  needsIds?: boolean;
  read(key: string): Promise<StoredRecord | undefined>;
  /** False: the key exists already. The version is 1, unless the record comes from another store and keeps its version. */
  create(key: string, record: SessionRecord, version?: number): Promise<boolean>;
  /** Compare-and-swap. False: the record is gone or has another version. It never creates a record. */
  update(key: string, version: number, record: SessionRecord): Promise<boolean>;
  /** Changes the times of a record with this version, but not its data or version. It never creates a record. */
  touch(key: string, version: number, seenAtMs: number, expiresAtMs: number): Promise<void>;
  delete(key: string): Promise<void>;
  /** Removes a damaged record from the sessions, and keeps it unchanged elsewhere for inspection. */
  setAside(key: string): Promise<void>;
  list(query: ListQuery): AsyncIterable<StoredRecord>;
  /** Deletes at most `limit` records that have expired by `nowMs`. Resolves to how many it deleted. */
  prune(nowMs: number, limit: number): Promise<number>;
  /** How many records were set aside; undefined when the store cannot count them. */
  countSetAside?(): Promise<number | undefined>;
  /** Writes a consistent copy of the whole store to a new file while others use it. False: the store is not a file. */
  backup?(file: string): Promise<boolean>;
  /** Resolves when the store works. */
  ping(): Promise<void>;
  /** Settings of the store itself that can lose sessions, each described by a sentence. */
  warnings?(): Promise<string[]>;
  close(): Promise<void>;
}

export interface AddressRules {
  /** An example address without a password. */
  example: string;
  /** The fault of an address, as the rest of a sentence that begins with the variable's name. It never quotes the address. */
  findFault(url: string): string | undefined;
}

/** Receives the warnings and errors of stores and the session layer. They contain no session id, secret or cookie. */
export interface Log {
  warn(detail: object, message: string): void;
  error(detail: object, message: string): void;
}
