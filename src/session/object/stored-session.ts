import { promisify } from 'node:util';
import type { SessionData } from 'express-session';
import session from 'express-session';
import type { Request } from '../http.ts';
import type { OpenSessions } from './open-sessions.ts';
import { addOperation } from './operations.ts';

type Callback = (error?: unknown) => void;

/** The part of `req.sessionStore` that a session needs. */
interface Keeper {
  open: OpenSessions;
  replace(req: Request, old: object): Promise<void>;
  endOthers(session: object): Promise<number>;
}

// express-session exports the class, but its types declare no constructor.
const Session = session.Session as unknown as new (req: Request, data: object) => session.Session & { req: Request };

/** express-session's session. The response waits for each of its store calls. */
export class StoredSession extends Session {
  override save(callback?: Callback): this {
    return this.#run(this.#store.open.save(this), callback);
  }

  override destroy(): Promise<void>;
  override destroy(callback: Callback): this;
  override destroy(callback?: Callback): this | Promise<void> {
    // As with express-session, the request has no session from now on.
    Reflect.deleteProperty(this.req, 'session');
    const work = this.#store.open.destroy(this);
    return callback ? this.#run(work, callback) : this.#start(work);
  }

  override regenerate(): Promise<void>;
  override regenerate(callback: Callback): this;
  override regenerate(callback?: Callback): this | Promise<void> {
    const work = this.#store.replace(this.req, this);
    return callback ? this.#run(work, callback) : this.#start(work);
  }

  override reload(): Promise<void>;
  override reload(callback: Callback): this;
  override reload(callback?: Callback): this | Promise<void> {
    return callback ? super.reload(callback) : this.#start(promisify<void>((done) => void super.reload(done))());
  }

  override touch(): this {
    this.#store.open.touch(this);
    return super.touch();
  }

  // Keep the same Date object: a new one would mean that the application chose a lifetime.
  override resetMaxAge(): this {
    const { expires, originalMaxAge } = this.cookie;
    if (!(expires instanceof Date) || originalMaxAge === null) return super.resetMaxAge();
    expires.setTime(this.#store.open.now() + originalMaxAge);
    return this;
  }

  /**
   * Changes the newest stored data: two requests that increment a counter at the same time add two. An assignment to
   * `req.session` cannot do that. `change` gets a copy of the data and must not be async. It may be called more than once.
   */
  override update(change: (data: Partial<SessionData>) => void): Promise<void> {
    return this.#start(this.#store.open.update(this, change));
  }

  /** Destroys all other sessions of this session's owner, for example after a password change. */
  override endOthers(): Promise<number> {
    return this.#start(this.#store.endOthers(this));
  }

  get ['__proto__'](): object {
    return StoredSession.prototype;
  }

  // A handler may assign to a property that the client names. Assigning `__proto__` must not replace the session's methods.
  set ['__proto__'](_: unknown) {
    ignore();
  }

  get #store(): Keeper {
    return this.req.sessionStore as unknown as Keeper;
  }

  // If the handler does not await the promise, a failure makes the response fail.
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

/** A promise that knows whether a handler was attached. Without one, a rejection is not reported as unhandled. */
class TrackedPromise<T> extends Promise<T> {
  isHandled = false;

  // Derived promises are ordinary promises.
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  static of<T>(work: Promise<T>): TrackedPromise<T> {
    const tracked = new TrackedPromise<T>((resolve, reject) => void work.then(resolve, reject));
    Promise.prototype.then.call(tracked, undefined, () => undefined);
    return tracked;
  }

  // biome-ignore lint/suspicious/noThenProperty: `await` calls `then` too.
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.isHandled = true;
    return super.then(onFulfilled, onRejected);
  }
}

/** Calls back as Node.js does: an error that the callback throws belongs to the application, not to this work. */
export function callBack<T>(callback: (error: unknown, value?: T) => void, work: Promise<T>): void {
  work.then(
    (value) => setImmediate(callback, null, value),
    (error) => setImmediate(callback, error),
  );
}

/** The default callback: the response reports the failure. */
export function ignore(): undefined {
  return undefined;
}
