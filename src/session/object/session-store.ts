import type { SessionData } from 'express-session';
import session from 'express-session';
import type { StoredRecord } from '../../stores/driver.ts';
import { hashOf } from '../../stores/session-key.ts';
import { type CookieProfile, canBeSet } from '../cookie/cookie.ts';
import { wholeRefOf } from '../cookie/ids.ts';
import type { CreateCookie } from '../cookie/session-cookie.ts';
import type { ToSessionKey } from '../cookie/signature.ts';
import { type Data, parseData, pickData, readLifetimeMs, verifyAtOnce } from '../data/data.ts';
import { destroySessions } from '../data/destroy-sessions.ts';
import { type Owner, requireOwner } from '../data/owner.ts';
import type { LiveSession, Records } from '../data/records.ts';
import type { Request } from '../http.ts';
import { OpenSessions } from './open-sessions.ts';
import { callBack, ignore, StoredSession } from './stored-session.ts';
import { type SessionSummary, summarize } from './summary.ts';

type Callback = (error?: unknown) => void;

/** How sessions are created and found. */
interface Rules {
  /** Returns the session cookie's name and attributes for a request. */
  profileOf: (req: Request) => CookieProfile;
  newestKeyId: () => string;
  /** Creates the id of a new session. */
  createId: (req: Request) => string;
  createCookie: CreateCookie;
  toSessionKey: ToSessionKey;
}

type IsMeant = (session: SessionSummary) => boolean;

// The promise of an async function is truthy, so it would select every session.
function toPredicate(isMeant: IsMeant): IsMeant {
  if (typeof isMeant !== 'function') throw new TypeError('the second argument of endSessionsOf must be a function');
  return (session) => {
    const result = isMeant(session);
    verifyAtOnce(result, 'endSessionsOf needs a function that is not async: it returns true for a session to end');
    return result;
  };
}

/** `req.sessionStore`: express-session's store interface on top of the records. */
export class SessionStore extends session.Store {
  readonly open: OpenSessions;
  readonly #records: Records;
  readonly #rules: Rules;

  constructor(records: Records, rules: Rules) {
    super();
    this.#records = records;
    this.#rules = rules;
    this.open = new OpenSessions(records, rules.newestKeyId);
  }

  /** Gives the request a new session, which is stored once it has data. */
  generate(req: Express.Request): void {
    req.sessionID = this.#rules.createId(req as Request);
    this.#give(req as Request, {}, undefined, {});
  }

  /** Gives the request the session with this id. Resolves to false when there is none. */
  async resume(req: Request, { id, sessionKey }: { id: string; sessionKey: string }): Promise<boolean> {
    const found = await this.#records.read(sessionKey);
    if (!found) return false;
    req.sessionID = id;
    this.#give(req, found.data, found.record, found.data);
    return true;
  }

  /** Destroys the request's session and gives it a new one, even when the store fails to destroy the old one. */
  async replace(req: Request, old: object): Promise<void> {
    try {
      await this.open.destroy(old);
    } finally {
      this.generate(req);
    }
  }

  override regenerate(req: Request, callback: Callback): void {
    const work = this.open.has(req.session) ? this.replace(req, req.session) : Promise.resolve(this.generate(req));
    callBack(callback, work);
  }

  override get(id: string, callback: (error: unknown, data?: SessionData | null) => void): void {
    callBack(callback, this.#get(this.#rules.toSessionKey(id)));
  }

  override set(id: string, data: SessionData, callback: Callback = ignore): void {
    callBack(callback, this.open.has(data) ? this.open.save(data) : this.#put(this.#rules.toSessionKey(id), data));
  }

  override touch(id: string, _data: SessionData, callback: Callback = ignore): void {
    callBack(callback, this.#touch(this.#rules.toSessionKey(id)));
  }

  override destroy(id: string, callback: Callback = ignore): void {
    callBack(callback, this.#records.delete(this.#rules.toSessionKey(id)));
  }

  override all(callback: (error: unknown, sessions?: SessionData[]) => void): void {
    callBack(callback, this.#all());
  }

  override length(callback: (error: unknown, count?: number) => void): void {
    callBack(callback, this.#count());
  }

  override clear(callback: Callback = ignore): void {
    callBack(callback, destroySessions(this.#records));
  }

  override async sessionsOf(owner: Owner): Promise<SessionSummary[]> {
    const found: SessionSummary[] = [];
    for await (const session of this.#records.list(requireOwner(owner))) found.push(summarize(session));
    return found;
  }

  override async endSessionsOf(owner: Owner, isMeant?: IsMeant): Promise<number> {
    const meets = isMeant && toPredicate(isMeant);
    return destroySessions(this.#records, requireOwner(owner), meets && ((session) => meets(summarize(session))));
  }

  override refOf(id: string): string {
    return wholeRefOf(this.#rules.toSessionKey(id));
  }

  /** @throws TypeError when the session has no owner: the call would log nobody out */
  async endOthers(session: object): Promise<number> {
    const owner = this.#records.ownerOf(this.open.dataOf(session));
    if (owner === undefined) throw new TypeError('the session has no owner, so it has no other sessions to end');
    const ownKey = hashOf(this.open.sessionKeyOf(session));
    return destroySessions(this.#records, owner, ({ record }) => hashOf(record.key) !== ownKey);
  }

  override createSession(req: Request, data: SessionData): session.Session & SessionData {
    const record = this.open.recordOf(data);
    // Plain data replaces the stored data, as with express-session.
    const stored = record ? parseData(record.data) : pickData({}, this.#chosenMs(data));
    return this.#give(req, data as object as Data, record, stored, !record);
  }

  #give(
    req: Request,
    data: Data,
    record: StoredRecord | undefined,
    stored: Data,
    mayReplace = false,
  ): session.Session & SessionData {
    const { cookie: _, ...rest } = data;
    const given = new StoredSession(req, rest);
    const profile = this.#rules.profileOf(req);
    const cookie = this.#createCookie(profile, stored);
    given.cookie = cookie;
    this.open.add(given, {
      sessionKey: record?.key ?? this.#rules.toSessionKey(req.sessionID),
      record,
      stored,
      cookie,
      mayCreate: (own) => canBeSet(profile, own),
      mayReplace,
    });
    req.session = given as session.Session as session.Session & SessionData;
    return req.session as session.Session & SessionData;
  }

  // The cookie's attributes come from the configuration, never from the store. Only the lifetime comes from the session.
  #createCookie({ attributes, maxAgeMs }: CookieProfile, stored: Data): session.Cookie {
    const maxAge = stored.cookie || maxAgeMs === undefined ? this.#lifetimeOf(stored) : maxAgeMs;
    return this.#rules.createCookie({ ...attributes, maxAge, originalMaxAge: maxAge });
  }

  async #get(sessionKey: string): Promise<SessionData | null> {
    const found = await this.#records.read(sessionKey);
    return found ? this.#open(found) : null;
  }

  async #all(): Promise<SessionData[]> {
    const found: SessionData[] = [];
    for await (const session of this.#records.list()) found.push(this.#open(session));
    return found;
  }

  async #count(): Promise<number> {
    let count = 0;
    for await (const _ of this.#records.list()) count += 1;
    return count;
  }

  // Tracks a session that `get` or `all` returned, so that `set` with it is an update.
  #open({ record, data }: LiveSession): SessionData {
    const cookie = { originalMaxAge: this.#lifetimeOf(data), expires: new Date(record.expiresAtMs) };
    const opened = { ...data, cookie };
    this.open.add(opened, { sessionKey: record.key, record, stored: data, cookie, mayCreate: () => false });
    return opened as SessionData;
  }

  #lifetimeOf(data: Data): number | null {
    return data.cookie ? data.cookie.originalMaxAge : this.#records.idleMsOf(data);
  }

  async #put(sessionKey: string, data: SessionData): Promise<void> {
    await this.#records.put(sessionKey, pickData(data, this.#chosenMs(data)), this.#rules.newestKeyId());
  }

  // Undefined when the application chose no lifetime. A copy of what `get` returned may contain the default lifetime.
  #chosenMs({ cookie }: Partial<SessionData>): number | null | undefined {
    const { idleMs, anonymousIdleMs } = this.#records.limits;
    const { originalMaxAge } = cookie ?? {};
    if (originalMaxAge === undefined || originalMaxAge === idleMs || originalMaxAge === anonymousIdleMs)
      return undefined;
    return readLifetimeMs({ originalMaxAge });
  }

  async #touch(sessionKey: string): Promise<void> {
    const found = await this.#records.read(sessionKey);
    if (found) await this.#records.touch(found.record);
  }
}
