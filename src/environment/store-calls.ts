/** A session in an environment's store, as its driver has it. */
export interface StoredSession {
  /** A hash of the session's id, never the id. */
  key: string;
  /** The session's data as JSON. */
  data: string;
  createdAtMs: number;
  seenAtMs: number;
  /** From this time on it counts as gone. */
  expiresAtMs: number;
  owner?: string;
  /** Names the secret that signs the client's cookie. */
  keyId?: string;
  version: number;
}

/** What is told of a session without its data. A record that is damaged has only the first two. */
export type SessionSummary = Pick<StoredSession, 'key'> & { bytes: number } & Partial<
    Omit<StoredSession, 'key' | 'data' | 'version'>
  >;

/** All that is known of a session. */
export type SessionDetail = SessionSummary & {
  data?: string;
  /** Grows by one at each change of its data. */
  version?: number;
};

export interface SessionQuery {
  owner?: string;
  /** Only those whose key begins so; in the order of their keys where the store has one, then none is missed or comes twice. */
  prefix?: string;
  /** Only those that have not expired by then; nobody knows when a damaged one does. */
  liveAtMs?: number;
  /** Only those that were last seen before. */
  seenBeforeMs?: number;
  limit?: number;
}

/** What all sessions come to. */
export interface Tally {
  /** Sessions that have not expired. */
  live: number;
  /** Records that wait to be pruned. */
  expired: number;
  /** Records that make no sense. */
  damaged: number;
  /** Records that made no sense to a server, which keeps them for a person to look at; undefined: nobody can tell. */
  setAside?: number;
  /** Of the live ones, those without an owner. */
  anonymous: number;
  /** The data of the live ones. */
  bytes: number;
  /** When the oldest of the live ones was made, and when the last of them expires. */
  oldestAtMs?: number;
  lastExpiryAtMs?: number;
  /** The live ones by the secret that signs their cookie; '' for those of which it is not known. */
  byKeyId: Record<string, number>;
}

/** What is in the store that sessions are to move to. */
export interface NextStore {
  /** It is the one that they are in, by another address. */
  isSame: boolean;
  /** How many it holds of this environment that have not expired. */
  sessions: number;
  /** What in its configuration can lose sessions, each a sentence. */
  warnings: string[];
}

/** `copy` the records of the old store, `verify` that the new one has them, `clear` the old one. */
export type MoveStep = 'copy' | 'verify' | 'clear';

export interface MovePage {
  records: number;
  /** How many of them were not yet as the step wants them. */
  changed: number;
}

/** What the tool asks of an environment's store; answered in the environment's own Node.js. */
export interface StoreCalls {
  ping(): Promise<void>;
  /** Writes a record that has expired already, and deletes it: rejects when either fails. */
  probe(): Promise<void>;
  /** How many sessions were made or seen later than this time. */
  countAhead(ofMs: number): Promise<number>;
  read(key: string): Promise<SessionDetail | undefined>;
  /** Ends these sessions for good. */
  delete(...keys: string[]): Promise<void>;
  /** Deletes at most `limit` records that have expired by `nowMs`, and says how many. */
  prune(nowMs: number, limit: number): Promise<number>;
  tally(nowMs: number): Promise<Tally>;
  /** Starts a walk over the sessions, by default in the order of their expiry, and gives its number. */
  list(query: SessionQuery): Promise<number>;
  /** The next ones of a walk; none when it is at its end. */
  next(walk: number): Promise<SessionSummary[]>;
  /** Writes a consistent copy of the store to a new file. False: this store cannot. */
  backup(file: string): Promise<boolean>;
  /** Looks whether sessions could move to this store. */
  inspectNext(store: string, url: string | undefined, nowMs: number): Promise<NextStore>;
  /** Starts a walk over the old store, while sessions move, and gives its number. */
  walkMove(step: MoveStep): Promise<number>;
  /** The next page of such a walk; undefined at its end. */
  nextMove(walk: number): Promise<MovePage | undefined>;
}

export interface StoreRequest {
  id: number;
  call: keyof StoreCalls;
  args: unknown[];
}

/** What a call came to; and, while calls take their time, that there is progress. */
export type StoreAnswer = { id: number; result: unknown } | { id: number; failure: StoreFailure } | { progress: true };

export interface StoreFailure {
  message: string;
  /** Node's name of the error, such as `EACCES`, where it has one. */
  code?: string;
  /** What to do about it, where the environment itself says so. */
  hint?: string;
}
