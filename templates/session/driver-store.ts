import { createHash } from 'node:crypto';
import type { Request } from 'express';
import type { SessionData } from 'express-session';
import session from 'express-session';
import type { Driver, StoredRecord } from './driver.ts';

/** How long a session lives without being used. */
export const idleMs = 24 * 60 * 60 * 1000;

/** express-session's store, in front of a driver. */
export class DriverStore extends session.Store {
  readonly #driver: Driver;
  /** The version that a session object was read at; one that was never stored has none. */
  readonly #versions = new WeakMap<object, number>();

  constructor(driver: Driver) {
    super();
    this.#driver = driver;
  }

  override get(id: string, callback: (error: unknown, data?: SessionData | null) => void): void {
    answer(callback, async () => {
      const record = await this.#driver.read(keyOf(id));
      if (!record || record.expiresAtMs <= Date.now()) return null;
      return this.#toSession(record);
    });
  }

  override set(id: string, data: SessionData, callback?: (error?: unknown) => void): void {
    answer(callback, async () => {
      const version = this.#versions.get(data);
      const saved = await this.#save(keyOf(id), version, data);
      if (saved) this.#versions.set(data, (version ?? 0) + 1);
    });
  }

  override touch(id: string, _data: SessionData, callback?: (error?: unknown) => void): void {
    const now = Date.now();
    answer(callback, () => this.#driver.touch(keyOf(id), now, now + idleMs));
  }

  override destroy(id: string, callback?: (error?: unknown) => void): void {
    answer(callback, () => this.#driver.delete(keyOf(id)));
  }

  override createSession(req: Request, data: SessionData): session.Session & SessionData {
    const version = this.#versions.get(data);
    const created = super.createSession(req, data);
    created.cookie.secure = req.secure;
    if (version !== undefined) this.#versions.set(created, version);
    return created;
  }

  // A session that was read is only ever updated: one that was destroyed meanwhile stays destroyed.
  async #save(key: string, version: number | undefined, data: SessionData): Promise<boolean> {
    const now = Date.now();
    const { cookie: _, ...rest } = data;
    const record = { data: JSON.stringify(rest), createdAtMs: now, seenAtMs: now, expiresAtMs: now + idleMs };
    if (version === undefined) return this.#driver.create(key, record);
    const current = await this.#driver.read(key);
    if (!current) return false;
    return this.#driver.update(key, current.version, { ...record, createdAtMs: current.createdAtMs });
  }

  // The cookie's options come from the settings, never from what was stored.
  #toSession({ data, version, expiresAtMs }: StoredRecord): SessionData {
    const cookie = { sameSite: 'lax', originalMaxAge: idleMs, expires: new Date(expiresAtMs) };
    const found = { ...JSON.parse(data), cookie } as SessionData;
    this.#versions.set(found, version);
    return found;
  }
}

/** The key of a session's record: who reads the store cannot turn it back into the id that a cookie holds. */
function keyOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url');
}

function answer<T>(callback: ((error: unknown, value?: T) => void) | undefined, work: () => Promise<T>): void {
  work().then(
    (value) => callback?.(null, value),
    (error) => callback?.(error),
  );
}
