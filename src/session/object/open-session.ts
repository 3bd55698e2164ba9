import type { Cookie } from 'express-session';
import type { StoredRecord } from '../../stores/driver.ts';
import {
  type Changes,
  type Data,
  findChanges,
  parseData,
  pickData,
  readLifetimeMs,
  stringifyData,
} from '../data/data.ts';

/** The state that belongs to a session object while a handler may change it. */
export interface Opened {
  sessionKey: string;
  /** Undefined: the session is not in the store yet, or no longer. */
  record: StoredRecord | undefined;
  /** Whether a new session may be stored: only when the client can get a cookie for it. */
  mayCreate: (cookie: Cookie | undefined) => boolean;
  /** Whether the first save may replace an existing record. */
  mayReplace: boolean;
  /** The application saved the session, but it was not stored because `mayCreate` returned false. */
  isRefused: boolean;
  /** The object's data as JSON when it was last read or saved. The request's changes are what differs from it now. */
  base: string;
  /** The cookie's initial lifetime. While both values are unchanged, the application has not chosen a lifetime. */
  given: Pick<Lifetime, 'originalMaxAge' | 'expires'>;
  /** The lifetime that the application chose. */
  chosenMs: number | null | undefined;
  /** The session was destroyed, or has expired. */
  isGone: boolean;
  /** The application called `touch`. */
  isTouched: boolean;
  /** This request stored the session. */
  isStored: boolean;
  /** The last store call. Store calls of one session object run one after the other. */
  last: Promise<void>;
}

export interface Lifetime {
  originalMaxAge: number | null;
  expires?: unknown;
}

export interface SessionObject {
  cookie?: Cookie;
}

/** The content of a session object at one moment. */
export interface Content {
  data: Data;
  text: string;
  /** The part that is not in the store yet. */
  changes: Changes;
  mayCreate: boolean;
}

class Itself {
  constructor(object: object) {
    // The private field of the subclass is then added to this object.
    return object;
  }
}

/** Stores the state in a private field of the session object itself. With a WeakMap, a read took 5% longer. */
export class OpenSession extends Itself {
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

export function contentOf(session: SessionObject, opened: Opened): Content {
  const data = dataOf(session, opened);
  const changes = findChanges(parseData(opened.base), data);
  return { data, text: stringifyData(data), changes, mayCreate: opened.mayCreate(session.cookie) };
}

export function dataOf(session: SessionObject, opened: Opened): Data {
  return pickData(session, lifetimeOf(session.cookie, opened));
}

// Each assignment to `maxAge` or `expires` creates a new Date, so a new Date means that the application chose a lifetime, even if
// it is the same as before. express-session computes the lifetime from the Date and the clock, so it may differ by milliseconds.
function lifetimeOf(cookie: Cookie | undefined, { given, chosenMs }: Opened): number | null | undefined {
  if (!cookie) return chosenMs;
  const wantedMs = readLifetimeMs(cookie);
  if (cookie.expires === given.expires && wantedMs === given.originalMaxAge) return chosenMs;
  const isSame = typeof wantedMs === 'number' && typeof chosenMs === 'number' && Math.abs(wantedMs - chosenMs) < 100;
  return isSame ? chosenMs : wantedMs;
}

// Unchanged values keep their object: the handler may hold a reference and change it later.
export function show(session: SessionObject, data: Data): void {
  const { set, deleted } = findChanges(pickData(session, undefined), pickData(data, undefined));
  for (const key of deleted) Reflect.deleteProperty(session, key);
  Object.assign(session, set);
}
