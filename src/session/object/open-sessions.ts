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

/** What is stored together with the changes. */
interface Extra {
  change?: Change;
  keyId?: string | undefined;
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
  sessionKeyOf(session: object): string {
    return this.#get(session).sessionKey;
  }

  /** Whether it was saved or updated, and was not stored as it may not begin. */
  isRefused(session: object): boolean {
    return OpenSession.of(session)?.isRefused === true;
  }

  /** Notes that the application called `touch`. */
  touch(session: object): void {
    this.#get(session).isTouched = true;
  }

  isTouched(session: object): boolean {
    return this.#get(session).isTouched;
  }

  /** Whether this request has stored it, so that it lives longer already. */
  isStored(session: object): boolean {
    return this.#get(session).isStored;
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
      opened.isGone = !opened.record;
    });
  }

  /** Looks whether the session is still stored. One that another request has ended meanwhile stays so. */
  confirm(session: object): Promise<void> {
    return this.#enqueue(session, async (opened) => {
      if (!opened.record || (await this.#records.read(opened.sessionKey))) return;
      Object.assign(opened, { record: undefined, isGone: true });
    });
  }

  /** Ends a session for good. */
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
    // By far most requests change nothing.
    const text = stringifyData(data);
    if (text === opened.base) return undefined;
    const changes = findChanges(parseData(opened.base), data);
    // A lifetime is not yet something that a session holds: an application may choose it for every visitor.
    const set = Object.keys(changes.set).filter((key) => opened.record || key !== 'cookie');
    if (changes.deleted.length + set.length === 0) return undefined;
    return { data, text, changes, mayCreate: opened.mayCreate(session.cookie) };
  }

  // Returns what these changes made of the stored session: in the record others' may have followed them.
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
    if (!opened) throw new TypeError('req.session was replaced by something that is no session');
    return opened;
  }
}
