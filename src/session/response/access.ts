import type { Request } from '../http.ts';
import { shareShape } from './shared-shape.ts';

type Session = Request['session'];

const access = Symbol('access to the session');

interface Watched {
  [access]: SessionAccess;
}

// One for all requests, and there before the session is: else each request gets a shape of its own in the engine, which
// makes everything slow that looks at it.
const property: PropertyDescriptor & ThisType<Watched> = {
  configurable: true,
  enumerable: true,
  get() {
    return this[access].use();
  },
  set(session: Session) {
    this[access].replace(session);
  },
};

/** Notes whether anything looked at `req.session`: only then does the answer depend on it. */
export class SessionAccess {
  readonly #req: Request;
  #session: Session | undefined;
  #isUsed = false;

  /** @param req has no session yet */
  constructor(req: Request) {
    this.#req = req;
    shareShape(req);
    (req as Request & Partial<Watched>)[access] = this;
    Object.defineProperty(req, 'session', property);
  }

  get isUsed(): boolean {
    return this.#isUsed;
  }

  /** From here on a look counts: the handler begins. */
  begin(): void {
    this.#isUsed = false;
  }

  /** The request's session, if it still has one, without counting as a look at it. */
  peek(): Session | undefined {
    const isUsed = this.#isUsed;
    const { session } = this.#req;
    this.#isUsed = isUsed;
    return session;
  }

  use(): Session | undefined {
    this.#isUsed = true;
    return this.#session;
  }

  replace(session: Session): void {
    this.#isUsed = true;
    this.#session = session;
  }
}
