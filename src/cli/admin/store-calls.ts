/** A session as the driver of an environment's store returns it. */
export interface StoredSession {
  /** A hash of the session's id, never the id. */
  key: string;
  /** The session's data as JSON. */
  data: string;
  createdAtMs: number;
  seenAtMs: number;
  /** From this time on the session is expired. */
  expiresAtMs: number;
  owner?: string;
  /** Names the secret that signs the client's cookie. */
  keyId?: string;
  version: number;
}

/** A session without its data. A damaged record has only `key` and `bytes`. */
export type SessionSummary = Pick<StoredSession, 'key'> & { bytes: number } & Partial<
    Omit<StoredSession, 'key' | 'data' | 'version'>
  >;

/** A session with its data. */
export type SessionDetail = SessionSummary & {
  data?: string;
  /** Grows by one with each change of the data. */
  version?: number;
};

export interface SessionQuery {
  owner?: string;
  /**
   * Only sessions whose key begins with this, in the order of their keys where the store has one. In that order a walk
   * misses no session, and returns none twice.
   */
  prefix?: string;
  /** Only sessions that are live at this time, and damaged ones, whose expiry is unknown. */
  liveAtMs?: number;
  /** Only sessions last seen before this time. */
  seenBeforeMs?: number;
  limit?: number;
}

/** Counts over all records of a store. */
export interface Tally {
  /** Live sessions. */
  live: number;
  /** Expired records, still to be pruned. */
  expired: number;
  /** Records that cannot be read. */
  damaged: number;
  /** Records that a server could not read and moved out of the way; undefined when the store cannot tell. */
  setAside?: number;
  /** Live sessions without an owner. */
  anonymous: number;
  /** The size of the data of all live sessions. */
  bytes: number;
  /** When the oldest live session was created, and when the last one expires; undefined when there is none. */
  oldestAtMs?: number;
  lastExpiryAtMs?: number;
  /** Live sessions by the id of the secret that signs their cookie; '' where it is unknown. */
  byKeyId: Record<string, number>;
}

/** The store that sessions are about to move to. */
export interface NextStore {
  /** True when it is the current store under another address. */
  isSame: boolean;
  /** How many live sessions of this environment it holds already. */
  sessions: number;
  /** What in its configuration can lose sessions, one sentence each. */
  warnings: string[];
}

/** `copy` the records of the old store, `verify` that the new one has them, `clear` the old one. */
export type MoveStep = 'copy' | 'verify' | 'clear';

export interface MovePage {
  records: number;
  /** How many of them the step had to change. */
  changed: number;
}

/** The calls to an environment's store. A process of the environment's own Node.js answers them. */
export interface StoreCalls {
  ping(): Promise<void>;
  /** Writes an expired record and deletes it; rejects when either fails. */
  probe(): Promise<void>;
  /** How many sessions were created or last seen after this time. */
  countAhead(ofMs: number): Promise<number>;
  read(key: string): Promise<SessionDetail | undefined>;
  /** Ends these sessions for good. */
  delete(...keys: string[]): Promise<void>;
  /** Deletes at most `limit` records that have expired by `nowMs`; returns how many it deleted. */
  prune(nowMs: number, limit: number): Promise<number>;
  tally(nowMs: number): Promise<Tally>;
  /** Starts a walk over the sessions, by default in the order of their expiry; returns the number of the walk. */
  list(query: SessionQuery): Promise<number>;
  /** The next page of a walk; empty at its end. */
  next(walk: number): Promise<SessionSummary[]>;
  /** Writes a consistent copy of the store to a new file. False when this store cannot. */
  backup(file: string): Promise<boolean>;
  /** Checks whether sessions can move to this store. */
  inspectNext(store: string, url: string | undefined, nowMs: number): Promise<NextStore>;
  /** Starts a walk over the old store while sessions move; returns the number of the walk. */
  walkMove(step: MoveStep): Promise<number>;
  /** The next page of such a walk; undefined at its end. */
  nextMove(walk: number): Promise<MovePage | undefined>;
}

export interface StoreRequest {
  id: number;
  call: keyof StoreCalls;
  args: unknown[];
}

/** The result of a call, its failure, or a sign of progress while calls are running. */
export type StoreAnswer = { id: number; result: unknown } | { id: number; failure: StoreFailure } | { progress: true };

export interface StoreFailure {
  message: string;
  /** Node's name of the error, such as `EACCES`, where it has one. */
  code?: string;
  /** The remedy, where the environment itself names one. */
  hint?: string;
}
