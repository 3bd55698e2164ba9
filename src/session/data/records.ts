import type { Driver, Log, SessionRecord, StoredRecord } from '../../stores/driver.ts';
import { StoreUnavailable } from '../../stores/errors.ts';
import { hashOf } from '../../stores/session-key.ts';
import { refOf } from '../cookie/ids.ts';
import { ChangeQueue, type RecordChange } from './change-queue.ts';
import { type Data, parseData, stringifyData, Unstorable } from './data.ts';
import type { Limits } from './limits.ts';
import { Owners } from './owner.ts';

/** A request that only reads a session updates the stored times after this fraction of the idle time. */
const touchFraction = 1 / 10;
/** A change moves the stored expiry only by at least this fraction of the idle time: each move changes the store's index. */
const extendFraction = 1 / 100;

/** A session that has not expired. */
export interface LiveSession {
  record: StoredRecord;
  /** The record's parsed data. The reader may modify it. */
  data: Data;
}

/** The stored times of a session that changes; empty for a new session. */
type Before = Partial<Pick<SessionRecord, 'createdAtMs' | 'expiresAtMs'>>;

/** Reads and writes session records: it returns only live sessions, enforces the limits, and queues changes of one session. */
export class Records {
  readonly limits: Limits;
  readonly now: () => number;
  readonly #store: Driver;
  readonly #log: Log;
  readonly #owners: Owners;
  readonly #changes: ChangeQueue;

  /** @param isDevelopment whether to log warnings that are meant for the developer */
  constructor(store: Driver, limits: Limits, now: () => number, log: Log, isDevelopment = false) {
    this.limits = limits;
    this.now = now;
    this.#store = store;
    this.#log = log;
    this.#owners = new Owners(limits.ownerKeys, isDevelopment ? log : undefined);
    this.#changes = new ChangeQueue({
      read: async (sessionKey) => (await this.read(sessionKey))?.record,
      isLive: (record) => this.#isLive(record),
      apply: (change, record) => this.#apply(change, record),
      update: (...args) => store.update(...args),
    });
  }

  /** Undefined when there is no record, or it has expired, or it is corrupt. A corrupt record is set aside. */
  async read(sessionKey: string): Promise<LiveSession | undefined> {
    const record = await this.#store.read(sessionKey);
    if (!record) return undefined;
    const data = parseRecord(record);
    if (!data) return this.#setAside(sessionKey);
    return this.#isLive(record) ? { record, data } : undefined;
  }

  async create(sessionKey: string, data: Data, keyId: string): Promise<StoredRecord> {
    const record = this.#toRecord(sessionKey, data, {}, keyId);
    if (await this.#store.create(sessionKey, record)) return { ...record, key: sessionKey, version: 1 };
    throw new StoreUnavailable('the id of a new session is already in use');
  }

  /** Creates the session, or replaces its data. */
  async put(sessionKey: string, data: Data, keyId: string): Promise<StoredRecord | undefined> {
    const found = await this.read(sessionKey);
    return found ? this.change(found.record, () => data) : this.create(sessionKey, data, keyId);
  }

  /**
   * Changes the newest stored data, whatever the request read before. Undefined when the session is gone: it stays gone, and
   * the log says that a change was lost.
   * @param keyId the id of the secret that signed the client's cookie, when the record must store it
   */
  async change(known: StoredRecord, toData: (data: Data) => Data, keyId?: string): Promise<StoredRecord | undefined> {
    const changed = await this.#changes.add({ known, toData, keyId });
    if (!changed) this.#reportLost(known.key);
    return changed;
  }

  /** Stores the id of the secret that signed the client's cookie. Undefined when the session is gone: nothing is lost then. */
  recordKeyId(known: StoredRecord, keyId: string): Promise<StoredRecord | undefined> {
    return this.#changes.add({ known, toData: (data) => data, keyId });
  }

  #apply({ known, toData, keyId }: RecordChange, before: SessionRecord): SessionRecord {
    return this.#toRecord(known.key, toData(parseData(before.data)), before, keyId ?? before.keyId);
  }

  /** False for a session that already lasts until the absolute limit: a touch cannot extend it. */
  isTouchDue({ createdAtMs, seenAtMs, expiresAtMs }: StoredRecord): boolean {
    if (expiresAtMs >= createdAtMs + this.limits.absoluteMs) return false;
    return this.now() - seenAtMs >= (expiresAtMs - seenAtMs) * touchFraction;
  }

  /** Extends the session. It does nothing if another request changed the session meanwhile, or if the session has expired. */
  async touch(found: StoredRecord): Promise<void> {
    if (!this.#isLive(found)) return;
    const { key: sessionKey, version, data, createdAtMs } = found;
    const nowMs = this.now();
    await this.#store.touch(sessionKey, version, nowMs, this.#expiryOf(parseData(data), createdAtMs, nowMs));
  }

  async delete(sessionKey: string): Promise<void> {
    await this.#store.delete(sessionKey);
  }

  /** The live sessions of one owner, or all live sessions. Each is listed once. */
  async *list(owner?: string): AsyncGenerator<LiveSession> {
    const seen = new Set<string>();
    for await (const record of this.#store.list(owner === undefined ? { prefix: '' } : { owner })) {
      const data = parseRecord(record);
      if (!data || !this.#isLive(record) || seen.has(hashOf(record.key))) continue;
      seen.add(hashOf(record.key));
      yield { record, data };
    }
  }

  ownerOf(data: Data): string | undefined {
    return this.#owners.of(data);
  }

  idleMsOf(data: Data): number {
    const chosen = data.cookie?.originalMaxAge;
    if (typeof chosen === 'number') return chosen;
    return this.#owners.of(data) === undefined ? this.limits.anonymousIdleMs : this.limits.idleMs;
  }

  #isLive({ expiresAtMs, createdAtMs }: StoredRecord): boolean {
    return Math.min(expiresAtMs, createdAtMs + this.limits.absoluteMs) > this.now();
  }

  #toRecord(sessionKey: string, data: Data, before: Before, keyId: string | undefined): SessionRecord {
    const text = stringifyData(data);
    this.#verifySize(sessionKey, Buffer.byteLength(text));
    const owner = this.#owners.of(data);
    if (owner === undefined) this.#owners.reportMissing(data);
    const nowMs = this.now();
    const { createdAtMs = nowMs } = before;
    const wantedMs = this.#expiryOf(data, createdAtMs, nowMs);
    const times = { createdAtMs, seenAtMs: nowMs, expiresAtMs: nextExpiry(wantedMs, before.expiresAtMs, nowMs) };
    return { data: text, ...times, ...(owner !== undefined && { owner }), ...(keyId !== undefined && { keyId }) };
  }

  #expiryOf(data: Data, createdAtMs: number, nowMs: number): number {
    return Math.min(nowMs + this.idleMsOf(data), createdAtMs + this.limits.absoluteMs);
  }

  #verifySize(sessionKey: string, bytes: number): void {
    const { warnBytes, refuseBytes } = this.limits;
    if (bytes > refuseBytes)
      throw new Unstorable(`the session has ${bytes} bytes, more than the limit of ${refuseBytes}`);
    if (bytes > warnBytes)
      this.#log.warn({ session: refOf(sessionKey), bytes }, `a session has ${bytes} bytes, which slows requests down`);
  }

  #reportLost(sessionKey: string): void {
    this.#log.warn(
      { session: refOf(sessionKey) },
      'a change of a session was not saved: the session expired, or another request destroyed it',
    );
  }

  async #setAside(sessionKey: string): Promise<undefined> {
    this.#log.error(
      { session: refOf(sessionKey) },
      'a session record is damaged and was set aside; its user gets a new session',
    );
    await this.#store.setAside(sessionKey);
  }
}

// Compare with the expiry after the absolute limit is applied: an application may ask for a longer lifetime.
function nextExpiry(wantedMs: number, currentMs: number | undefined, nowMs: number): number {
  if (currentMs === undefined) return wantedMs;
  const longerMs = wantedMs - currentMs;
  return longerMs >= 0 && longerMs < (wantedMs - nowMs) * extendFraction ? currentMs : wantedMs;
}

// Undefined when the record is corrupt.
function parseRecord({ data, createdAtMs, seenAtMs, expiresAtMs, version }: StoredRecord): Data | undefined {
  if (typeof data !== 'string') return undefined;
  if (![createdAtMs, seenAtMs, expiresAtMs, version].every(Number.isFinite)) return undefined;
  try {
    return parseData(data);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
