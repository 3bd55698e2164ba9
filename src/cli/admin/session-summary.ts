import type { StoredRecord } from '../../stores/driver.ts';

/** A record as a store lists it. A damaged one may lack anything but its key. */
export type ListedRecord = Partial<StoredRecord> & Pick<StoredRecord, 'key'>;

/** A session without its data. A damaged record has only `key` and `bytes`. */
export type SessionSummary = Pick<StoredRecord, 'key'> & { bytes: number } & Partial<
    Omit<StoredRecord, 'key' | 'data' | 'version'>
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
  /** Those of them that were created after the time that was asked for. */
  created: number;
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
  /** Live sessions by the id of the secret that signed their cookie; '' where it is unknown. */
  bySecretId: Record<string, number>;
}
