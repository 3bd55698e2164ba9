import type { Cookie } from 'express-session';
import type { StoredRecord } from './driver.ts';
import type { Records } from './records.ts';
import {
  applyChanges,
  type Changes,
  type Data,
  findChanges,
  parseData,
  pickData,
  stringifyData,
} from './session-data.ts';

/** What is known of a session object that a handler may change. */
interface Opened {
  key: string;
  /** Undefined: it is not in the store, or no longer. */
  record: StoredRecord | undefined;
  /** What the object held when it was read or saved; the difference is what the request changed. */
  base: string;
  /** The lifetime that its cookie began with. */
  givenMs: number | null;
  /** The lifetime that the application chose for it. */
  chosenMs: number | null | undefined;
  ended: boolean;
  /** Calls for one session come one after the other. */
  last: Promise<void>;
}

interface SessionObject {
  cookie?: Cookie;
}

type Change = (data: Data) => unknown;

const keepAsIs: Change = (data) => data;

/** The session objects that handlers have, and what of them is in the store. */
export class OpenSessions {
  readonly #records: Records;
  readonly #newestKeyId: () => string;
  readonly #opened = new WeakMap<object, Opened>();

  constructor(records: Records, newestKeyId: () => string) {
    this.#records = records;
    this.#newestKeyId = newestKeyId;
  }

  /** @param givenMs the lifetime in the object's cookie */
  add(session: object, key: string, record: StoredRecord | undefined, givenMs: number | null): void {
    const base = record?.data ?? '{}';
    const chosenMs = parseData(base).cookie?.originalMaxAge;
    this.#opened.set(session, { key, record, base, givenMs, chosenMs, ended: false, last: Promise.resolve() });
  }

  has(session: object): boolean {
    return this.#opened.has(session);
  }

  recordOf(session: object): StoredRecord | undefined {
    return this.#opened.get(session)?.record;
  }

  /** @throws Unstorable when the session holds what cannot be stored */
  isChanged(session: SessionObject): boolean {
    const opened = this.#get(session);
    if (opened.ended) return false;
    const data = dataOf(session, opened);
    if (stringifyData(data) === opened.base) return false;
    const { set, deleted } = findChanges(parseData(opened.base), data);
    return deleted.length + Object.keys(set).length > 0;
  }

  /** Stores what was changed since it was read. A session that is gone meanwhile stays gone. */
  save(session: SessionObject): Promise<void> {
    return this.#enqueue(session, (opened) => this.#save(session, opened));
  }

  /** The same, with a change of what is stored by then; the object shows all of it afterwards. */
  update(session: SessionObject, change: Change): Promise<void> {
    return this.#enqueue(session, async (opened) => {
      await this.#save(session, opened, change);
      if (!opened.record) return;
      const since = findChanges(parseData(opened.base), dataOf(session, opened));
      show(session, applyChanges(parseData(opened.record.data), since));
      opened.base = opened.record.data;
    });
  }

  /** Notes which of the secrets the client's cookie is signed by. */
  recordKeyId(session: object, keyId: string): Promise<void> {
    return this.#enqueue(session, async (opened) => {
      if (opened.record) opened.record = await this.#records.change(opened.record, (data) => data, keyId);
    });
  }

  /** Ends a session for good. */
  end(session: object): Promise<void> {
    return this.#enqueue(session, async (opened) => {
      opened.ended = true;
      if (!opened.record) return;
      await this.#records.delete(opened.key);
      opened.record = undefined;
    });
  }

  async #save(session: SessionObject, opened: Opened, change: Change = keepAsIs): Promise<void> {
    if (opened.ended) return;
    const { key, record, base } = opened;
    const data = dataOf(session, opened);
    const text = stringifyData(data);
    const changes = JSON.stringify(findChanges(parseData(base), data));
    const saved = record
      ? await this.#records.change(record, (stored) => merge(stored, changes, change))
      : await this.#records.create(key, merge({}, changes, change), this.#newestKeyId());
    const chosenMs = data.cookie?.originalMaxAge;
    const givenMs = chosenMs === undefined ? opened.givenMs : chosenMs;
    Object.assign(opened, { record: saved, base: text, chosenMs, givenMs, ended: !saved });
  }

  #enqueue(session: object, call: (opened: Opened) => Promise<void>): Promise<void> {
    const opened = this.#get(session);
    const run = (): Promise<void> => call(opened);
    opened.last = opened.last.then(run, run);
    return opened.last;
  }

  #get(session: object): Opened {
    const opened = this.#opened.get(session);
    if (!opened) throw new TypeError('req.session was replaced by something that is no session');
    return opened;
  }
}

function dataOf(session: SessionObject, opened: Opened): Data {
  return pickData(session, lifetimeOf(session.cookie, opened));
}

// express-session reckons a lifetime from the clock, so that it may be off by a millisecond.
function lifetimeOf(cookie: Cookie | undefined, { givenMs, chosenMs }: Opened): number | null | undefined {
  const wantedMs = cookie ? (cookie.originalMaxAge ?? null) : givenMs;
  const isGiven = wantedMs === givenMs || (wantedMs !== null && givenMs !== null && Math.abs(wantedMs - givenMs) < 100);
  return isGiven ? chosenMs : wantedMs;
}

// From text each time, so that no two attempts share a value that `change` alters.
function merge(stored: Data, changes: string, change: Change): Data {
  const data = applyChanges(stored, JSON.parse(changes) as Changes);
  change(data);
  return data;
}

function show(session: SessionObject, data: Data): void {
  for (const key of Object.keys(pickData(session, undefined))) if (!(key in data)) Reflect.deleteProperty(session, key);
  Object.assign(session, pickData(data, undefined));
}
