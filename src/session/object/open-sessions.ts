import type { Cookie } from 'express-session';
import type { StoredRecord } from '../../stores/driver.ts';
import {
  applyChanges,
  type Change,
  type Changes,
  type Data,
  findChanges,
  merge,
  parseData,
  pickData,
  readLifetimeMs,
  stringifyData,
} from '../data/data.ts';
import type { Records } from '../data/records.ts';

/** What is known of a session object that a handler may change. */
interface Opened {
  key: string;
  /** Undefined: it is not in the store, or no longer. */
  record: StoredRecord | undefined;
  /** Whether it is stored when it was not before: else the client would never come back with it. */
  mayBegin: (cookie: Cookie | undefined) => boolean;
  /** Whether it replaces a record that is there when it is stored first. */
  mayReplace: boolean;
  /** It was to be stored all the same. */
  isRefused: boolean;
  /** What the object held when it was read or saved; the difference is what the request changed. */
  base: string;
  /** What its cookie began with: nobody chose it as long as both are there. */
  given: Pick<Lifetime, 'originalMaxAge' | 'expires'>;
  /** The lifetime that the application chose for it. */
  chosenMs: number | null | undefined;
  ended: boolean;
  /** Calls for one session come one after the other. */
  last: Promise<void>;
}

interface Lifetime {
  originalMaxAge: number | null;
  expires?: unknown;
}

type Known = Pick<Opened, 'key' | 'record' | 'mayBegin'> &
  Partial<Pick<Opened, 'mayReplace'>> & { stored: Data; cookie: Lifetime };

interface SessionObject {
  cookie?: Cookie;
}

/** What a session object holds at some moment. */
interface Content {
  data: Data;
  text: string;
  /** What of it is not in the store. */
  changes: Changes;
  mayBegin: boolean;
}

/** What is stored together with the changes. */
interface Extra {
  change?: Change;
  keyId?: string | undefined;
}

class Itself {
  constructor(object: object) {
    // So that a private field of the class below goes into this object.
    return object;
  }
}

/** Keeps in a session object, where nobody else sees it, what is known of it. With a WeakMap a read took 5% longer. */
class OpenSession extends Itself {
  readonly #opened: Opened;

  private constructor(session: object, opened: Opened) {
    super(session);
    this.#opened = opened;
  }

  static mark(session: object, opened: Opened): void {
    new OpenSession(session, opened);
  }

  static of(session: unknown): Opened | undefined {
    return session instanceof Object && #opened in session ? session.#opened : undefined;
  }
}

/** The session objects that handlers have, and what of them is in the store. */
export class OpenSessions {
  readonly #records: Records;
  readonly #newestKeyId: () => string;

  constructor(records: Records, newestKeyId: () => string) {
    this.#records = records;
    this.#newestKeyId = newestKeyId;
  }

  /**
   * @param stored what the record holds
   * @param cookie the object's
   */
  add(session: object, { key, record, mayBegin, mayReplace = false, stored, cookie }: Known): void {
    const { originalMaxAge, expires } = cookie;
    OpenSession.mark(session, {
      key,
      record,
      mayBegin,
      mayReplace,
      isRefused: false,
      base: record?.data ?? '{}',
      given: { originalMaxAge, expires },
      chosenMs: stored.cookie?.originalMaxAge,
      ended: false,
      last: Promise.resolve(),
    });
  }

  has(session: object): boolean {
    return OpenSession.of(session) !== undefined;
  }

  recordOf(session: object): StoredRecord | undefined {
    return OpenSession.of(session)?.record;
  }

  /** What it would hold if it was saved now. */
  dataOf(session: SessionObject): Data {
    return dataOf(session, this.#get(session));
  }

  /** The key of its record, also of one that is not stored yet. */
  keyOf(session: object): string {
    return this.#get(session).key;
  }

  /** Whether it was saved or updated, and was not stored as it may not begin. */
  isRefused(session: object): boolean {
    return OpenSession.of(session)?.isRefused === true;
  }

  /** @throws Unstorable when the session holds what cannot be stored */
  isChanged(session: SessionObject): boolean {
    return this.#changed(session) !== undefined;
  }

  /** Stores what was changed since it was read. A session that is gone meanwhile stays gone. */
  save(session: SessionObject): Promise<void> {
    return this.#enqueue(session, (opened) => this.#save(opened, contentOf(session, opened)));
  }

  /**
   * The same, with what it holds now; undefined when nothing of it was changed.
   * @param keyId which of the secrets the client's cookie is signed by, when that is to be noted
   * @throws Unstorable when the session holds what cannot be stored
   */
  saveIfChanged(session: SessionObject, keyId?: string): Promise<void> | undefined {
    const content = this.#changed(session);
    return content && this.#enqueue(session, (opened) => this.#save(opened, content, { keyId }));
  }

  /** The same, with a change of what is stored by then; the object shows all of it afterwards. */
  update(session: SessionObject, change: Change): Promise<void> {
    return this.#enqueue(session, async (opened) => {
      const stored = await this.#save(opened, contentOf(session, opened), { change });
      if (!stored) return;
      const since = findChanges(parseData(opened.base), dataOf(session, opened));
      show(session, applyChanges(stored, since));
      opened.base = stringifyData(stored);
    });
  }

  /** Notes which of the secrets the client's cookie is signed by. */
  recordKeyId(session: object, keyId: string): Promise<void> {
    return this.#enqueue(session, async (opened) => {
      if (!opened.record) return;
      opened.record = await this.#records.recordKeyId(opened.record, keyId);
      opened.ended = !opened.record;
    });
  }

  /** Looks whether the session is still stored. One that another request has ended meanwhile stays so. */
  confirm(session: object): Promise<void> {
    return this.#enqueue(session, async (opened) => {
      if (!opened.record || (await this.#records.read(opened.key))) return;
      Object.assign(opened, { record: undefined, ended: true });
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

  #changed(session: SessionObject): Content | undefined {
    const opened = this.#get(session);
    if (opened.ended) return undefined;
    const data = dataOf(session, opened);
    // By far most requests change nothing.
    const text = stringifyData(data);
    if (text === opened.base) return undefined;
    const changes = findChanges(parseData(opened.base), data);
    // A lifetime is not yet something that a session holds: an application may choose it for every visitor.
    const set = Object.keys(changes.set).filter((key) => opened.record || key !== 'cookie');
    if (changes.deleted.length + set.length === 0) return undefined;
    return { data, text, changes, mayBegin: opened.mayBegin(session.cookie) };
  }

  // Returns what these changes made of the stored session: in the record others' may have followed them.
  async #save(
    opened: Opened,
    { data, text, changes, mayBegin }: Content,
    { change, keyId }: Extra = {},
  ): Promise<Data | undefined> {
    if (opened.ended) return undefined;
    opened.isRefused = !opened.record && !mayBegin;
    if (opened.isRefused) return undefined;
    const frozen = JSON.stringify(changes);
    let merged: Data = {};
    const toData = (stored: Data): Data => {
      merged = merge(stored, frozen, change);
      return merged;
    };
    const saved = opened.record
      ? await this.#records.change(opened.record, toData, keyId)
      : await this.#begin(opened, toData({}));
    Object.assign(opened, { record: saved, base: text, chosenMs: data.cookie?.originalMaxAge, ended: !saved });
    return saved && merged;
  }

  #begin({ key, mayReplace }: Opened, data: Data): Promise<StoredRecord | undefined> {
    const keyId = this.#newestKeyId();
    return mayReplace ? this.#records.put(key, data, keyId) : this.#records.create(key, data, keyId);
  }

  #enqueue(session: object, call: (opened: Opened) => Promise<unknown>): Promise<void> {
    const opened = this.#get(session);
    const run = async (): Promise<void> => void (await call(opened));
    opened.last = opened.last.then(run, run);
    return opened.last;
  }

  #get(session: object): Opened {
    const opened = OpenSession.of(session);
    if (!opened) throw new TypeError('req.session was replaced by something that is no session');
    return opened;
  }
}

function contentOf(session: SessionObject, opened: Opened): Content {
  const data = dataOf(session, opened);
  const changes = findChanges(parseData(opened.base), data);
  return { data, text: stringifyData(data), changes, mayBegin: opened.mayBegin(session.cookie) };
}

function dataOf(session: SessionObject, opened: Opened): Data {
  return pickData(session, lifetimeOf(session.cookie, opened));
}

// Whoever assigns to `maxAge` or `expires` chooses, also what the session would have had without: each makes a new Date.
// express-session reckons the lifetime from it by the clock, so that it may be off by a millisecond.
function lifetimeOf(cookie: Cookie | undefined, { given, chosenMs }: Opened): number | null | undefined {
  if (!cookie) return chosenMs;
  const wantedMs = readLifetimeMs(cookie);
  if (cookie.expires === given.expires && wantedMs === given.originalMaxAge) return chosenMs;
  const isSame = typeof wantedMs === 'number' && typeof chosenMs === 'number' && Math.abs(wantedMs - chosenMs) < 100;
  return isSame ? chosenMs : wantedMs;
}

// What is the same stays the same object, which the handler may hold and change later.
function show(session: SessionObject, data: Data): void {
  const { set, deleted } = findChanges(pickData(session, undefined), pickData(data, undefined));
  for (const key of deleted) Reflect.deleteProperty(session, key);
  Object.assign(session, set);
}
