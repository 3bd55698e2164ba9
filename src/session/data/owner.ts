import type { Log } from '../../stores/driver.ts';
import { kindOf } from '../../stores/options.ts';
import { toOwner } from '../../stores/owner.ts';
import type { Data } from './data.ts';

/** The properties that identify a user object: of Passport, MongoDB and OpenID Connect, then login names. */
const idKeys = ['id', '_id', 'sub', 'username', 'email'];

/** The properties that applications set on a session at login. */
const loginKey =
  /^(is_?)?(logged_?in|auth(enticated|orized)?|admin|passport|profile|uid|e?mail|(user|account|member|customer)(_?(id|name|info|data|email))?)$/i;

/** A user: the owner of sessions, as a name, a number, or an object with an id. */
export type Owner = string | number | object;

/** Finds the owner of a session. */
export class Owners {
  readonly #paths: string[][];
  readonly #log: Log | undefined;
  readonly #reported = new Set<string>();

  /**
   * @param keys the properties that can name the owner, see `Limits.ownerKeys`
   * @param log in development: gets a warning when a session looks like a user's session but has no owner
   */
  constructor(keys: string[], log: Log | undefined) {
    this.#paths = keys.map((key) => key.split('.'));
    this.#log = log;
  }

  /** Undefined for a session without an owner. */
  of(data: Data): string | undefined {
    const name = firstName(this.#paths.map((path) => userNameOf(valueAt(data, path))));
    return name === undefined ? undefined : toOwner(name);
  }

  /** Call this for a session without an owner: it logs a warning if the session looks like a user's. */
  reportMissing(data: Data): void {
    const key = this.#log && Object.keys(data).find((name) => loginKey.test(name) && isFilled(data[name]));
    if (key === undefined || this.#reported.has(key)) return;
    this.#reported.add(key);
    this.#log?.warn(
      { key },
      `a session with the property '${key}' looks like a user's session but has no owner, so it is missing from the user's ` +
        'list of sessions, and has the lifetime of an anonymous session. Set req.session.userId at login, or set ' +
        `limits.ownerKeys to ['${key}'], which replaces the default names`,
    );
  }
}

/**
 * Turns the user that an application names into an owner, as records store it.
 * @throws TypeError when there is no name: `undefined` must not become the owner 'undefined'
 */
export function requireOwner(user: unknown): string {
  const name = userNameOf(user);
  if (name === undefined)
    throw new TypeError(
      `the owner of sessions must be a string, a number, or an object with an id; it is ${kindOf(user)}`,
    );
  return toOwner(name);
}

function userNameOf(user: unknown): string | undefined {
  if (!(user instanceof Object)) return nameOf(user);
  return firstName(idKeys.map((key) => nameOf(valueAt(user, [key]))));
}

function nameOf(value: unknown): string | undefined {
  return Number.isFinite(value) || (typeof value === 'string' && value !== '') ? String(value) : undefined;
}

function firstName(names: (string | undefined)[]): string | undefined {
  return names.find((name) => name !== undefined);
}

// Passport leaves an empty object after a logout.
function isFilled(value: unknown): boolean {
  return value instanceof Object ? Object.keys(value).length > 0 : Boolean(value);
}

function valueAt(data: object, path: string[]): unknown {
  let value: unknown = data;
  for (const key of path)
    value = value instanceof Object && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
  return value;
}
