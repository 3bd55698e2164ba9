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

/** Which records `list` yields, in the order of their expiry (of their key, for one owner). */
export interface ListQuery {
  owner?: string;
  expiresBeforeMs?: number;
  limit?: number;
}

/**
 * Where sessions live. A key is a hash of the session's id, never the id itself. Every promise is kept once it
 * resolves, also after a crash; it rejects when the store cannot answer.
 */
export interface Driver {
  read(key: string): Promise<StoredRecord | undefined>;
  /** False: there is such a key already. */
  create(key: string, record: SessionRecord): Promise<boolean>;
  /** Compare-and-swap. False: the record is gone, or no longer of this version. Never creates one. */
  update(key: string, version: number, record: SessionRecord): Promise<boolean>;
  /** Moves a record's times, not its data or its version. A record that is not there stays so. */
  touch(key: string, seenAtMs: number, expiresAtMs: number): Promise<void>;
  delete(key: string): Promise<void>;
  /** Takes a record that makes no sense out of the way, and keeps it as it is for a person to look at. */
  setAside(key: string): Promise<void>;
  list(query: ListQuery): AsyncIterable<StoredRecord>;
  /** Deletes at most `limit` records that have expired by `nowMs`, and says how many. */
  prune(nowMs: number, limit: number): Promise<number>;
  /** Resolves when the store answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** What each driver's file exports: `open`. */
export interface DriverOptions {
  /** The environment's directory for data, absolute; it may not exist yet. */
  dataDirectory: string;
  /** The store's address, for a store that has one. */
  url?: string;
}
