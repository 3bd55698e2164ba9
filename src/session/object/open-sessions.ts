import type { StoredRecord } from '../../stores/driver.ts';
import { applyChanges, type Change, type Data, findChanges, merge, parseData, stringifyData } from '../data/data.ts';
import type { Records } from '../data/records.ts';
import {
  type Content,
  contentOf,
  dataOf,
  type Lifetime,
  type Opened,
  OpenSession,
  type SessionObject,
  show,
} from './open-session.ts';

type Known = Pick<Opened, 'sessionKey' | 'record' | 'mayCreate'> &
  Partial<Pick<Opened, 'mayReplace'>> & { stored: Data; cookie: Lifetime };

/** Further changes that are stored in the same write. */
interface Extra {
  change?: Change;
  keyId?: string | undefined;
}

/** Tracks the session objects of handlers, and saves what changed in them. */
export class OpenSessions {
  readonly #records: Records;
  readonly #newestKeyId: () => string;

  constructor(records: Records, newestKeyId: () => string) {
    this.#records = records;
    this.#newestKeyId = newestKeyId;
  }

  /**
   * Starts to track a session object.
   * @param stored the data in the record
   * @param cookie the cookie of the session object
   */
  add(session: object, { sessionKey, record, mayCreate, mayReplace = false, stored, cookie }: Known): void {
    const { originalMaxAge, expires } = cookie;
    OpenSession.mark(session, {
      sessionKey,
      record,
      mayCreate,
      mayReplace,
      isRefused: false,
      base: record?.data ?? '{}',
      given: { originalMaxAge, expires },
      chosenMs: stored.cookie?.originalMaxAge,
      isGone: false,
      isTouched: false,
      isStored: false,
      last: Promise.resolve(),
    });
  }

  /** The time in milliseconds since 1970, by which sessions and their cookies expire. */
  now(): number {
    return this.#records.now();
  }

  has(session: object): boolean {
    return OpenSession.of(session) !== undefined;
  }

  recordOf(session: object): StoredRecord | undefined {
    return OpenSession.of(session)?.record;
  }

  /** The data that a save would store now. */
  dataOf(session: SessionObject): Data {
    return dataOf(session, this.#get(session));
  }

  /** The session key, also for a session that is not stored yet. */
  sessionKeyOf(session: object): string {
    return this.#get(session).sessionKey;
  }

  /** Whether the application saved a new session that may not be stored. */
  isRefused(session: object): boolean {
    return OpenSession.of(session)?.isRefused === true;
  }

  /** Records that the application called `touch`. */
  touch(session: object): void {
    this.#get(session).isTouched = true;
  }

  isTouched(session: object): boolean {
    return this.#get(session).isTouched;
  }

  /** Whether this request stored the session, which extended it. */
  isStored(session: object): boolean {
    return this.#get(session).isStored;
  }

  /** @throws Unstorable when the session has data that cannot be stored */
  isChanged(session: SessionObject): boolean {
    return this.#changed(session) !== undefined;
  }

  /** Stores what changed since the session was read. If another request destroyed the session, it stays destroyed. */
  save(session: SessionObject): Promise<void> {
    return this.#enqueue(session, (opened) => this.#save(opened, contentOf(session, opened)));
  }

  /**
   * Saves the data that the session has now; undefined when nothing changed.
   * @param keyId the id of the secret that signed the client's cookie, when the record must store it
   * @throws Unstorable when the session has data that cannot be stored
   */
  saveIfChanged(session: SessionObject, keyId?: string): Promise<void> | undefined {
    const content = this.#changed(session);
    return content && this.#enqueue(session, (opened) => this.#save(opened, content, { keyId }));
  }

  /** Saves, and applies `change` to the newest stored data. Afterwards the session object shows the result. */
  update(session: SessionObject, change: Change): Promise<void> {
    return this.#enqueue(session, async (opened) => {
      const stored = await this.#save(opened, contentOf(session, opened), { change });
      if (!stored) return;
      const since = findChanges(parseData(opened.base), dataOf(session, opened));
      show(session, applyChanges(stored, since));
      opened.base = stringifyData(stored);
    });
  }

  /** Stores the id of the secret that signed the client's cookie. */
  recordKeyId(session: object, keyId: string): Promise<void> {
    return this.#enqueue(session, async (opened) => {
      if (!opened.record) return;
      opened.record = await this.#records.recordKeyId(opened.record, keyId);
      opened.isGone = !opened.record;
    });
  }

  /** Checks that the session is still stored. If another request destroyed it, the session object counts as gone. */
  confirm(session: object): Promise<void> {
    return this.#enqueue(session, async (opened) => {
      if (!opened.record || (await this.#records.read(opened.sessionKey))) return;
      Object.assign(opened, { record: undefined, isGone: true });
    });
  }

  /** Destroys a session. */
  destroy(session: object): Promise<void> {
    return this.#enqueue(session, async (opened) => {
      opened.isGone = true;
      if (!opened.record) return;
      await this.#records.delete(opened.sessionKey);
      opened.record = undefined;
    });
  }

  #changed(session: SessionObject): Content | undefined {
    const opened = this.#get(session);
    if (opened.isGone) return undefined;
    const data = dataOf(session, opened);
    // Fast path: most requests change nothing.
    const text = stringifyData(data);
    if (text === opened.base) return undefined;
    const changes = findChanges(parseData(opened.base), data);
    // A lifetime alone does not make a new session worth storing: an application may choose it for every visitor.
    const set = Object.keys(changes.set).filter((key) => opened.record || key !== 'cookie');
    if (changes.deleted.length + set.length === 0) return undefined;
    return { data, text, changes, mayCreate: opened.mayCreate(session.cookie) };
  }

  // Returns the data right after these changes. The saved record may already include later changes by other requests.
  async #save(
    opened: Opened,
    { data, text, changes, mayCreate }: Content,
    { change, keyId }: Extra = {},
  ): Promise<Data | undefined> {
    if (opened.isGone) return undefined;
    opened.isRefused = !opened.record && !mayCreate;
    if (opened.isRefused) return undefined;
    const frozen = JSON.stringify(changes);
    let merged: Data = {};
    const toData = (stored: Data): Data => {
      merged = merge(stored, frozen, change);
      return merged;
    };
    const saved = opened.record
      ? await this.#records.change(opened.record, toData, keyId)
      : await this.#create(opened, toData({}));
    const chosenMs = data.cookie?.originalMaxAge;
    Object.assign(opened, { record: saved, base: text, chosenMs, isGone: !saved, isStored: true });
    return saved && merged;
  }

  #create({ sessionKey, mayReplace }: Opened, data: Data): Promise<StoredRecord | undefined> {
    const keyId = this.#newestKeyId();
    return mayReplace ? this.#records.put(sessionKey, data, keyId) : this.#records.create(sessionKey, data, keyId);
  }

  #enqueue(session: object, call: (opened: Opened) => Promise<unknown>): Promise<void> {
    const opened = this.#get(session);
    const run = async (): Promise<void> => void (await call(opened));
    opened.last = opened.last.then(run, run);
    return opened.last;
  }

  #get(session: object): Opened {
    const opened = OpenSession.of(session);
    if (!opened) throw new TypeError('req.session was replaced by a value that is not a session');
    return opened;
  }
}
