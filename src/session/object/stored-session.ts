import type { SessionData } from 'express-session';
import session from 'express-session';
import type { Request } from '../http.ts';
import type { OpenSessions } from './open-sessions.ts';
import { addOperation } from './operations.ts';

type Callback = (error?: unknown) => void;

/** What a session needs of `req.sessionStore`. */
interface Keeper {
  open: OpenSessions;
  replace(req: Request, old: object): Promise<void>;
  endOthers(session: object): Promise<number>;
}

// express-session exports the class; its types keep the constructor for itself.
const Session = session.Session as unknown as new (req: Request, data: object) => session.Session & { req: Request };

/** express-session's session, whose every call to the store is waited for before the answer leaves. */
export class StoredSession extends Session {
  override save(callback?: Callback): this {
    return this.#run(this.#store.open.save(this), callback);
  }

  override destroy(callback?: Callback): this {
    // As express-session does: from now on the request has no session.
    Reflect.deleteProperty(this.req, 'session');
    return this.#run(this.#store.open.destroy(this), callback);
  }

  override regenerate(callback?: Callback): this {
    return this.#run(this.#store.replace(this.req, this), callback);
  }

  override touch(): this {
    this.#store.open.touch(this);
    return super.touch();
  }

  // The same Date goes on: to see an active session again chooses no lifetime for it.
  override resetMaxAge(): this {
    const { expires, originalMaxAge } = this.cookie;
    if (!(expires instanceof Date) || originalMaxAge === null) return super.resetMaxAge();
    expires.setTime(Date.now() + originalMaxAge);
    return this;
  }

  /**
   * Changes what is stored now, as no assignment to `req.session` can: two requests that count up at the same time count
   * two. `change` gets a copy of the newest data and must not wait; it may be called more than once.
   */
  override update(change: (data: Partial<SessionData>) => void): Promise<void> {
    return this.#start(this.#store.open.update(this, change));
  }

  /** Ends all other sessions of this session's owner, such as after a change of the password. */
  override endOthers(): Promise<number> {
    return this.#start(this.#store.endOthers(this));
  }

  get ['__proto__'](): object {
    return StoredSession.prototype;
  }

  // A handler that assigns to a key of a client's choice would exchange what a session can do.
  set ['__proto__'](_: unknown) {
    ignore();
  }

  get #store(): Keeper {
    return this.req.sessionStore as unknown as Keeper;
  }

  // Who does not await it hears of a failure by the answer.
  #start<T>(work: Promise<T>): Promise<T> {
    const promise = TrackedPromise.of(work);
    addOperation(this.req, work, () => promise.isHandled);
    return promise;
  }

  #run(work: Promise<void>, callback: Callback = ignore): this {
    addOperation(this.req, work);
    callBack(callback, work);
    return this;
  }
}

/** A promise that knows whether anybody waits for it. Whoever does not need not handle its failure. */
class TrackedPromise<T> extends Promise<T> {
  isHandled = false;

  // What is made of it is a promise like any other.
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  static of<T>(work: Promise<T>): TrackedPromise<T> {
    const tracked = new TrackedPromise<T>((resolve, reject) => void work.then(resolve, reject));
    Promise.prototype.then.call(tracked, undefined, () => undefined);
    return tracked;
  }

  // biome-ignore lint/suspicious/noThenProperty: `await` calls it, too.
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.isHandled = true;
    return super.then(onFulfilled, onRejected);
  }
}

/** Calls back as Node.js does: what the callback throws is an error of the application, not of this work. */
export function callBack<T>(callback: (error: unknown, value?: T) => void, work: Promise<T>): void {
  work.then(
    (value) => setImmediate(callback, null, value),
    (error) => setImmediate(callback, error),
  );
}

/** For a call without a callback: the answer to the request tells of the failure. */
export function ignore(): undefined {
  return undefined;
}
