import type { Driver, Log, SessionRecord, StoredRecord } from '../../stores/driver.ts';
import { StoreUnavailable } from '../../stores/errors.ts';
import { hashOf } from '../../stores/session-key.ts';
import { refOf } from '../cookie/ids.ts';
import { ChangeQueue, type RecordChange } from './change-queue.ts';
import { type Data, parseData, stringifyData, Unstorable } from './data.ts';
import type { Limits } from './limits.ts';
import { Owners } from './owner.ts';

/** After this part of its idle time a session that is only read is marked as seen. */
const touchFraction = 1 / 10;
/** A change makes a session live longer when that is at least this part of its idle time: stores list them by their ends. */
const extendFraction = 1 / 100;

/** A session that lives. */
export interface LiveSession {
  record: StoredRecord;
  /** What the record holds, for its reader to change. */
  data: Data;
}

/** What is known of a session that changes; one that begins has no end yet. */
type Before = Partial<Pick<SessionRecord, 'createdAtMs' | 'expiresAtMs'>>;

/** The records of sessions: only those that live, within the limits, changed one at a time. */
export class Records {
  readonly limits: Limits;
  readonly now: () => number;
  readonly #store: Driver;
  readonly #log: Log;
  readonly #owners: Owners;
  readonly #changes: ChangeQueue;

  /** @param isDevelopment whether the log says what only a developer can do something about */
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

  /** Undefined when there is none, when it has expired, and when it is corrupt: then it is moved aside. */
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
    throw new StoreUnavailable('a new session has the session key of another one');
  }

  /** Stores this in the place of whatever is there. */
  async put(sessionKey: string, data: Data, keyId: string): Promise<StoredRecord | undefined> {
    const found = await this.read(sessionKey);
    return found ? this.change(found.record, () => data) : this.create(sessionKey, data, keyId);
  }

  /**
   * Changes what is stored now, whatever it was before. Undefined when the session is gone: it stays so, and the log says
   * that a change was lost.
   * @param keyId the secret that the client has proved to hold a cookie of, when that is to be noted
   */
  async change(known: StoredRecord, toData: (data: Data) => Data, keyId?: string): Promise<StoredRecord | undefined> {
    const changed = await this.#changes.add({ known, toData, keyId });
    if (!changed) this.#reportLost(known.key);
    return changed;
  }

  /** Notes which secret the client's cookie is signed by. Undefined when the session is gone, which loses nothing. */
  recordKeyId(known: StoredRecord, keyId: string): Promise<StoredRecord | undefined> {
    return this.#changes.add({ known, toData: (data) => data, keyId });
  }

  #apply({ known, toData, keyId }: RecordChange, before: SessionRecord): SessionRecord {
    return this.#toRecord(known.key, toData(parseData(before.data)), before, keyId ?? before.keyId);
  }

  /** Never for one that lives to its end in any case. */
  isTouchDue({ createdAtMs, seenAtMs, expiresAtMs }: StoredRecord): boolean {
    if (expiresAtMs >= createdAtMs + this.limits.absoluteMs) return false;
    return this.now() - seenAtMs >= (expiresAtMs - seenAtMs) * touchFraction;
  }

  /** Whoever changes the session meanwhile decides how long it lives; what has expired meanwhile stays so. */
  async touch(found: StoredRecord): Promise<void> {
    if (!this.#isLive(found)) return;
    const { key: sessionKey, version, data, createdAtMs } = found;
    const nowMs = this.now();
    await this.#store.touch(sessionKey, version, nowMs, this.#expiryOf(parseData(data), createdAtMs, nowMs));
  }

  async delete(sessionKey: string): Promise<void> {
    await this.#store.delete(sessionKey);
  }

  /** The sessions that live, each once: all, or those of an owner. */
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
    if (bytes > refuseBytes) throw new Unstorable(`the session has ${bytes} bytes; at most ${refuseBytes} are stored`);
    if (bytes > warnBytes) this.#log.warn({ session: refOf(sessionKey), bytes }, `a session of ${bytes} bytes is slow`);
  }

  #reportLost(sessionKey: string): void {
    this.#log.warn(
      { session: refOf(sessionKey) },
      'a change of a session was not saved: the session expired, or was ended by another request, meanwhile',
    );
  }

  async #setAside(sessionKey: string): Promise<undefined> {
    this.#log.error(
      { session: refOf(sessionKey) },
      'a session could not be read and was set aside; its user starts anew',
    );
    await this.#store.setAside(sessionKey);
  }
}

// Compared with the time that the session really gets: an application may ask for more than the absolute limit.
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
