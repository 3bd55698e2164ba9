import type { Request } from '../http.ts';
import { shareShape } from './shared-shape.ts';

type Session = Request['session'];

const access = Symbol('access to the session');

interface Watched {
  [access]: SessionAccess;
}

// All requests share this descriptor, and it is defined before the session exists. Otherwise V8 gives each request its own hidden
// class, which slows down every property access.
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

/** Records whether anything accessed `req.session`: only then does the response depend on the session. */
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

  /** The handler starts: accesses count from now on. */
  begin(): void {
    this.#isUsed = false;
  }

  /** The request's session, if it still has one. This does not count as an access. */
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
