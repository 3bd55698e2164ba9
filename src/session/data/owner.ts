import type { Log } from '../../stores/driver.ts';
import { toOwner } from '../../stores/owner.ts';
import type { Data } from './data.ts';

/** What names a user whom a session holds as an object: Passport, MongoDB, OpenID Connect, then what users log in with. */
const idKeys = ['id', '_id', 'sub', 'username', 'email'];

/** The keys that applications put into a session at a login. */
const loginKey =
  /^(is_?)?(logged_?in|auth(enticated|orized)?|admin|passport|profile|uid|e?mail|(user|account|member|customer)(_?(id|name|info|data|email))?)$/i;

/** A user, as an application names the owner of sessions. */
export type Owner = string | number | object;

/** Finds out whose a session is. */
export class Owners {
  readonly #paths: string[][];
  readonly #log: Log | undefined;
  readonly #reported = new Set<string>();

  /**
   * @param keys the keys that may name the owner, the first one that does counts; `a.b` is the `b` of its `a`
   * @param log in development: gets a warning when a session seems to be that of a user, and names none
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

  /** Called with a session that has no owner. */
  reportMissing(data: Data): void {
    const key = this.#log && Object.keys(data).find((name) => loginKey.test(name) && isFilled(data[name]));
    if (key === undefined || this.#reported.has(key)) return;
    this.#reported.add(key);
    this.#log?.warn(
      { key },
      `a session with the key '${key}' looks like that of a user, but has no owner: it lives as long as that of an unknown ` +
        'visitor, and is in no list of a user. Set req.session.userId at the login, or name the key in limits.ownerKeys',
    );
  }
}

/**
 * The owner that an application names, in the form in which a session may hold it.
 * @throws TypeError when that is nobody: `undefined` must not become a user of that name
 */
export function requireOwner(user: unknown): string {
  const name = userNameOf(user);
  if (name === undefined) throw new TypeError('the owner of sessions is a text or a number, or an object with an id');
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
