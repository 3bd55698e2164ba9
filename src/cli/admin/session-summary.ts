import type { StoredRecord } from '../../stores/driver.ts';

/** A record as a store lists it. A damaged record may lack any field except its key. */
export type ListedRecord = Partial<StoredRecord> & Pick<StoredRecord, 'key'>;

/** A session without its data. A damaged record has only `key` and `bytes`. */
export type SessionSummary = Pick<StoredRecord, 'key'> & { bytes: number } & Partial<
    Omit<StoredRecord, 'key' | 'data' | 'version'>
  >;

/** A session with its data. */
export type SessionDetail = SessionSummary & {
  data?: string;
  /** Increases by one with each change of the data. */
  version?: number;
};

export interface SessionQuery {
  owner?: string;
  /**
   * Only sessions whose key begins with this, in the order of their keys if the store has an order. In that order, a walk
   * neither misses a session nor returns one twice.
   */
  prefix?: string;
  /** Only sessions that are live at this time, and damaged records, because their expiry is unknown. */
  liveAtMs?: number;
  /** Only sessions last seen before this time. */
  seenBeforeMs?: number;
  limit?: number;
}

/** Counts over all records of a store. */
export interface Tally {
  /** Live sessions. */
  live: number;
  /** Live sessions that were created after `sinceMs`. */
  created: number;
  /** Expired records that are not pruned yet. */
  expired: number;
  /** Records that cannot be read. */
  damaged: number;
  /** Records that a server could not read and moved out of the way; undefined when the store does not count them. */
  setAside?: number;
  /** Live sessions without an owner. */
  anonymous: number;
  /** The total size of the data of all live sessions. */
  bytes: number;
  /** When the oldest live session was created, and when the last one expires; undefined without live sessions. */
  oldestAtMs?: number;
  lastExpiryAtMs?: number;
  /** Live sessions by the id of the secret that signed their cookie; '' where it is unknown. */
  bySecretId: Record<string, number>;
}
