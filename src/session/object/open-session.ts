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

/** What is known of a session object that a handler may change. */
export interface Opened {
  sessionKey: string;
  /** Undefined: it is not in the store, or no longer. */
  record: StoredRecord | undefined;
  /** Whether it is stored when it was not before: else the client would never come back with it. */
  mayCreate: (cookie: Cookie | undefined) => boolean;
  /** Whether it replaces a record that is there when it is stored first. */
  mayReplace: boolean;
  /** It was to be stored all the same. */
  isRefused: boolean;
  /** What the object held when it was read or saved; the difference is what the request changed. */
  base: string;
  /** What its cookie began with: nobody chose it as long as both are there. */
  given: Pick<Lifetime, 'originalMaxAge' | 'expires'>;
  /** The lifetime that the application chose for it. */
  chosenMs: number | null | undefined;
  isGone: boolean;
  /** The application called `touch`. */
  isTouched: boolean;
  /** This request has stored it. */
  isStored: boolean;
  /** Calls for one session come one after the other. */
  last: Promise<void>;
}

export interface Lifetime {
  originalMaxAge: number | null;
  expires?: unknown;
}

export interface SessionObject {
  cookie?: Cookie;
}

/** What a session object holds at some moment. */
export interface Content {
  data: Data;
  text: string;
  /** What of it is not in the store. */
  changes: Changes;
  mayCreate: boolean;
}

class Itself {
  constructor(object: object) {
    // So that a private field of the class below goes into this object.
    return object;
  }
}

/** Keeps in a session object, where nobody else sees it, what is known of it. With a WeakMap a read took 5% longer. */
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

// Each assignment to `maxAge` or `expires` makes a new Date. So the application chose a lifetime, even the one it had before.
// express-session reckons the lifetime from it by the clock, so that it may be off by a millisecond.
function lifetimeOf(cookie: Cookie | undefined, { given, chosenMs }: Opened): number | null | undefined {
  if (!cookie) return chosenMs;
  const wantedMs = readLifetimeMs(cookie);
  if (cookie.expires === given.expires && wantedMs === given.originalMaxAge) return chosenMs;
  const isSame = typeof wantedMs === 'number' && typeof chosenMs === 'number' && Math.abs(wantedMs - chosenMs) < 100;
  return isSame ? chosenMs : wantedMs;
}

// What is the same stays the same object, which the handler may hold and change later.
export function show(session: SessionObject, data: Data): void {
  const { set, deleted } = findChanges(pickData(session, undefined), pickData(data, undefined));
  for (const key of deleted) Reflect.deleteProperty(session, key);
  Object.assign(session, set);
}
