import { setTimeout as wait } from 'node:timers/promises';
import type { RecordStore } from './deadline.ts';
import type { SessionRecord, StoredRecord } from './driver.ts';
import { refOf } from './ids.ts';
import type { Limits } from './limits.ts';
import type { Log } from './log.ts';
import { type Data, parseData, stringifyData } from './session-data.ts';
import { StoreUnavailable, Unstorable } from './session-error.ts';

/** How often a change is tried again when others change the same session at the same time; each of them got on. */
const attempts = 200;
const ownerLength = 200;
/** After this part of its idle time a session that is only read is marked as seen. */
const touchPart = 1 / 10;

/** The records of sessions: only those that live, within the limits, changed one at a time. */
export class Records {
  readonly limits: Limits;
  readonly now: () => number;
  readonly #store: RecordStore;
  readonly #log: Log;

  constructor(store: RecordStore, limits: Limits, now: () => number, log: Log) {
    this.limits = limits;
    this.now = now;
    this.#store = store;
    this.#log = log;
  }

  /** Undefined when there is none, when it has expired, and when it is corrupt: then it is moved aside. */
  async read(key: string): Promise<StoredRecord | undefined> {
    const record = await this.#store.read(key);
    if (!record) return undefined;
    if (isCorrupt(record)) return this.#setAside(key);
    return this.#isLive(record) ? record : undefined;
  }

  async create(key: string, data: Data, keyId: string): Promise<StoredRecord> {
    const record = this.#toRecord(key, data, this.now(), keyId);
    if (await this.#store.create(key, record)) return { ...record, key, version: 1 };
    throw new StoreUnavailable('a new session has the key of another one');
  }

  /** Changes what is stored now, whatever it was before. Undefined when the session is gone: it stays so. */
  async change(
    found: StoredRecord,
    toData: (data: Data) => Data,
    keyId = found.keyId,
  ): Promise<StoredRecord | undefined> {
    // What has expired while the request ran may only have been seen by another one.
    let current = this.#isLive(found) ? found : await this.read(found.key);
    for (let attempt = 1; current; attempt += 1) {
      const { key, version, createdAtMs, data } = current;
      const record = this.#toRecord(key, toData(parseData(data)), createdAtMs, keyId);
      if (await this.#store.update(key, version, record)) return { ...record, key, version: version + 1 };
      if (attempt === attempts) throw new StoreUnavailable('too many changes of one session at the same time');
      if (attempt > 3) await wait(Math.random() * 5);
      current = await this.read(key);
    }
    return undefined;
  }

  isTouchDue({ data, seenAtMs }: StoredRecord): boolean {
    return this.now() - seenAtMs >= this.idleMsOf(parseData(data)) * touchPart;
  }

  async touch({ key, data, createdAtMs }: StoredRecord): Promise<void> {
    await this.#store.touch(key, this.now(), this.#expiryOf(parseData(data), createdAtMs));
  }

  async delete(key: string): Promise<void> {
    await this.#store.delete(key);
  }

  idleMsOf(data: Data): number {
    const chosen = data.cookie?.originalMaxAge;
    if (typeof chosen === 'number') return chosen;
    return this.#ownerOf(data) === undefined ? this.limits.anonymousIdleMs : this.limits.idleMs;
  }

  #isLive({ expiresAtMs, createdAtMs }: StoredRecord): boolean {
    return Math.min(expiresAtMs, createdAtMs + this.limits.absoluteMs) > this.now();
  }

  #toRecord(key: string, data: Data, createdAtMs: number, keyId: string | undefined): SessionRecord {
    const text = stringifyData(data);
    this.#verifySize(key, Buffer.byteLength(text));
    const owner = this.#ownerOf(data);
    const times = { createdAtMs, seenAtMs: this.now(), expiresAtMs: this.#expiryOf(data, createdAtMs) };
    return { data: text, ...times, ...(owner !== undefined && { owner }), ...(keyId !== undefined && { keyId }) };
  }

  #expiryOf(data: Data, createdAtMs: number): number {
    return Math.min(this.now() + this.idleMsOf(data), createdAtMs + this.limits.absoluteMs);
  }

  #ownerOf(data: Data): string | undefined {
    const named = this.limits.ownerKeys.map((key) => data[key]);
    const owner = named.find((value) => typeof value === 'number' || (typeof value === 'string' && value !== ''));
    // Stores have an index by owner, whose keys are short.
    return owner === undefined ? undefined : String(owner).slice(0, ownerLength);
  }

  #verifySize(key: string, bytes: number): void {
    const { warnBytes, refuseBytes } = this.limits;
    if (bytes > refuseBytes) throw new Unstorable(`the session has ${bytes} bytes; at most ${refuseBytes} are stored`);
    if (bytes > warnBytes) this.#log.warn({ session: refOf(key), bytes }, `a session of ${bytes} bytes is slow`);
  }

  async #setAside(key: string): Promise<undefined> {
    this.#log.error({ session: refOf(key) }, 'a session could not be read and was set aside; its user starts anew');
    await this.#store.setAside(key);
  }
}

function isCorrupt({ data, createdAtMs, seenAtMs, expiresAtMs, version }: StoredRecord): boolean {
  if (![createdAtMs, seenAtMs, expiresAtMs, version].every(Number.isFinite)) return true;
  try {
    parseData(data);
    return false;
  } catch (error) {
    if (error instanceof SyntaxError) return true;
    throw error;
  }
}
