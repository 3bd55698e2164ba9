import type { Log, StoredRecord } from '../../stores/driver.ts';
import type { Behavior } from '../behavior.ts';
import { type CookieProfile, canBeSet, renderCookie } from '../cookie/cookie.ts';
import { type SignedId, type SigningKey, signId, type ToSessionKey } from '../cookie/signature.ts';
import { readLifetimeMs } from '../data/data.ts';
import type { Records } from '../data/records.ts';
import { type Request, type Response, responseFor, trustProxy } from '../http.ts';
import { settleOperations } from '../object/operations.ts';
import type { SessionStore } from '../object/session-store.ts';
import type { SessionAccess } from './access.ts';
import { keepPrivate } from './caching.ts';
import { HeldResponse, type Hooks } from './held-response.ts';

/** State that all requests share. */
export interface Shared {
  behavior: Behavior;
  store: SessionStore;
  records: Records;
  signingKeys: () => [SigningKey, ...SigningKey[]];
  toSessionKey: ToSessionKey;
  log: Log;
}

/** The session of one request, from the start of the handler to the end of the response. */
export class Lifecycle implements Hooks {
  readonly #shared: Shared;
  readonly #req: Request;
  readonly #res: Response;
  readonly #profile: CookieProfile;
  readonly #signed: SignedId | undefined;
  readonly #access: SessionAccess;
  readonly #session: Request['session'];
  /** The session's stored data when the request arrived. */
  readonly #data: string | undefined;
  readonly #expiresWithBrowser: boolean;
  readonly #held: HeldResponse;
  /** Whether the response sets a new cookie for the session that the client's cookie already identifies. */
  #renewsCookie = false;
  /** The id in the client's cookie, or in the cookie that this response sets. */
  #clientSessionId: string | undefined;

  /** @param signed the id in the client's cookie, when it belongs to a live session */
  constructor(
    shared: Shared,
    req: Request,
    res: Response,
    { access, profile, signed }: { access: SessionAccess; profile: CookieProfile; signed: SignedId | undefined },
  ) {
    this.#shared = shared;
    this.#req = req;
    this.#res = res;
    this.#profile = profile;
    this.#signed = signed;
    this.#clientSessionId = signed?.id;
    this.#session = req.session;
    this.#data = shared.store.open.recordOf(req.session)?.data;
    this.#expiresWithBrowser = expiresWithBrowser(req.session);
    this.#access = access;
    access.begin();
    this.#held = new HeldResponse(res, this);
  }

  commit(): Promise<void> | undefined {
    const pending = settleOperations(this.#req);
    return pending !== undefined ? pending.then(() => this.#write()) : this.#write();
  }

  addHeaders(): void {
    const setsCookie = this.#setCookie();
    if (setsCookie || this.#access.isUsed) keepPrivate(this.#res, setsCookie);
  }

  end(): Promise<void> | undefined {
    const pending = settleOperations(this.#req);
    return pending !== undefined ? pending.then(() => this.#saveLate()) : this.#saveLate();
  }

  #saveLate(): Promise<void> | undefined {
    const session = this.#access.peek();
    if (!session) return this.#destroyUnset();
    if (!this.#access.isUsed) return undefined;
    const { open } = this.#shared.store;
    if (session.id === this.#clientSessionId) return open.saveIfChanged(session);
    if (open.recordOf(session) || (canBeSet(this.#profile, session.cookie) && open.isChanged(session)))
      this.#reportLate();
    return undefined;
  }

  // The headers, which carry the cookie, are already sent.
  #reportLate(): void {
    this.#shared.log.error(
      {},
      'a session was created after the first byte of a response: the client gets no cookie for it',
    );
  }

  fail(error: unknown, isCommitted: boolean): void {
    const { status, headers, body } = responseFor(error);
    const what = isCommitted ? 'the response could not be sent' : 'the session could not be saved';
    const end = this.#res.headersSent ? 'the connection was closed' : `a ${status} response was sent instead`;
    this.#shared.log.error({ err: error }, `${what}: ${end}`);
    this.#held.replace(status, headers, body);
  }

  #write(): Promise<void> | undefined {
    const session = this.#access.peek();
    // The application may have replaced the property.
    if (typeof this.#req.sessionID !== 'string') return undefined;
    if (!session) return this.#destroyUnset();
    this.#renewsCookie = this.#isRenewalDue(session);
    const { saveUninitialized } = this.#shared.behavior;
    const saving = this.#access.isUsed || saveUninitialized ? this.#saveIfChanged(session) : undefined;
    if (saving !== undefined) return saving;
    return this.#renewsCookie ? this.#logFailure(this.#confirm(session)) : this.#markSeen(session);
  }

  // Another request may have destroyed the session since it was read. A new cookie for it would replace the cookie of the
  // session that followed, and log the user out. A save would have detected this. If we cannot check, set no cookie.
  async #confirm(session: object): Promise<void> {
    this.#renewsCookie = false;
    await this.#shared.store.open.confirm(session);
    this.#renewsCookie = true;
    await this.#markSeen(session);
  }

  // The handler removed the session from the request.
  #destroyUnset(): Promise<void> | undefined {
    const { open } = this.#shared.store;
    return this.#shared.behavior.unsetDestroys && open.recordOf(this.#session)
      ? open.destroy(this.#session)
      : undefined;
  }

  #markSeen(session: object): Promise<void> | undefined {
    const newerKeyId = this.#provenKeyId(session);
    if (newerKeyId !== undefined) return this.#logFailure(this.#shared.store.open.recordKeyId(session, newerKeyId));
    return this.#touch(session);
  }

  #saveIfChanged(session: Request['session']): Promise<void> | undefined {
    const { open } = this.#shared.store;
    if (open.recordOf(session)) return open.saveIfChanged(session, this.#provenKeyId(session));
    if (canBeSet(this.#profile, session.cookie)) {
      const saving = open.saveIfChanged(session);
      return saving === undefined && this.#shared.behavior.saveUninitialized ? open.save(session) : saving;
    }
    if (open.isRefused(session) || open.isChanged(session)) this.#reportInsecure();
    return undefined;
  }

  // The id of the secret that signed the cookie which the client sent, if the record has an older one. The cookie that a
  // response sets does not count: the response may not reach the client.
  #provenKeyId(session: object): string | undefined {
    const record = this.#shared.store.open.recordOf(session);
    const proven = this.#signed?.keyId;
    if (!record || !this.#isFromCookie() || proven === record.keyId) return undefined;
    const newer = this.#shared.signingKeys().find(({ id }) => id === proven || id === record.keyId);
    return newer?.id === proven ? proven : undefined;
  }

  #touch(session: object): Promise<void> | undefined {
    const record = this.#shared.store.open.recordOf(session);
    return record && this.#isTouchDue(session, record)
      ? this.#logFailure(this.#shared.records.touch(record))
      : undefined;
  }

  #isTouchDue(session: object, record: StoredRecord): boolean {
    const { behavior, records, store } = this.#shared;
    if (store.open.isStored(session)) return false;
    return behavior.resave || store.open.isTouched(session) || records.isTouchDue(record);
  }

  // A failure loses nothing, because the next request tries again: the session has 90% of its idle time left, or its older
  // secret stays in use.
  #logFailure(work: Promise<void>): Promise<void> {
    return work.catch((error) => {
      this.#shared.log.warn({ err: error }, 'a session could not be marked as seen');
    });
  }

  #setCookie(): boolean {
    const session = this.#access.peek();
    const record = session && this.#shared.store.open.recordOf(session);
    if (!record || (this.#isFromCookie() && !this.#renewsCookie && !this.#isExtended(session, record))) return false;
    if (!canBeSet(this.#profile, session.cookie)) {
      this.#reportInsecure();
      return false;
    }
    const value = this.#sign(session.id);
    this.#res.appendHeader('Set-Cookie', this.#renderCookie(session, record, value));
    this.#clientSessionId = session.id;
    return true;
  }

  // Signing takes 5% of the time of a write, so reuse the client's value if the newest key signed it.
  #sign(id: string): string {
    const [newest] = this.#shared.signingKeys();
    const signed = this.#signed;
    return signed?.id === id && signed.keyId === newest.id ? signed.value : signId(id, newest);
  }

  #renderCookie(session: Request['session'], record: StoredRecord, value: string): string {
    if (this.#profile.maxAgeMs !== undefined && session.cookie) {
      session.resetMaxAge();
      return (session.cookie as SerializableCookie).serialize(this.#profile.name, value);
    }
    // The server enforces the idle time, so the cookie lasts as long as the session can and is not set again. With each
    // Set-Cookie, a slow response could replace a newer cookie by an older one.
    const expiresAtMs = record.createdAtMs + this.#shared.records.limits.absoluteMs;
    const maxAgeMs = expiresWithBrowser(session) ? undefined : expiresAtMs - this.#shared.records.now();
    return renderCookie(this.#profile, value, maxAgeMs);
  }

  // A cookie with its own expiry is extended when the session changes.
  #isExtended({ cookie }: Request['session'], { data }: StoredRecord): boolean {
    if (this.#profile.maxAgeMs === undefined || !cookie?.expires) return false;
    return data !== this.#data;
  }

  #isRenewalDue(session: Request['session']): boolean {
    if (!this.#isFromCookie()) return false;
    if (this.#shared.behavior.rolling) return true;
    return (
      this.#signed?.keyId !== this.#shared.signingKeys()[0].id ||
      expiresWithBrowser(session) !== this.#expiresWithBrowser
    );
  }

  #isFromCookie(): boolean {
    return this.#req.sessionID === this.#signed?.id;
  }

  #reportInsecure(): void {
    this.#shared.log.error(
      {},
      `a session cookie was not set: it is sent over HTTPS only, and this request came over plain HTTP. ${trustProxy}`,
    );
  }
}

// express-session's types omit `serialize`.
type SerializableCookie = Request['session']['cookie'] & { serialize(name: string, value: string): string };

function expiresWithBrowser(session: Request['session']): boolean {
  return Boolean(session.cookie) && readLifetimeMs(session.cookie) === null;
}
