import type { Request } from 'express';

/** Notes whether anything looked at `req.session`: only then does the answer depend on it. */
export class SessionAccess {
  readonly #req: Request;
  #isUsed = false;

  constructor(req: Request) {
    this.#req = req;
    let { session } = req;
    Object.defineProperty(req, 'session', {
      configurable: true,
      enumerable: true,
      get: () => {
        this.#isUsed = true;
        return session;
      },
      set: (value) => {
        this.#isUsed = true;
        session = value;
      },
    });
  }

  get isUsed(): boolean {
    return this.#isUsed;
  }

  /** The request's session, if it still has one, without counting as a look at it. */
  peek(): Request['session'] | undefined {
    const isUsed = this.#isUsed;
    const { session } = this.#req;
    this.#isUsed = isUsed;
    return session;
  }
}
