/** The session cannot be stored: a value has no JSON form, or the session is too large. */
export class Unstorable extends Error {
  readonly status = 500;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Unstorable';
  }
}

/** The data of a session, by top-level key. `cookie` exists only when the application chose a lifetime. */
export type Data = Record<string, unknown> & { cookie?: { originalMaxAge: number | null } };

/** The changes that a request made. */
export interface Changes {
  set: Data;
  deleted: string[];
}

/** The function that the application passes to `update`. */
export type Change = (data: Data) => unknown;

/** @throws SyntaxError when the text is not a session */
export function parseData(text: string): Data {
  const data: unknown = JSON.parse(text);
  if (typeof data === 'object' && data !== null && !Array.isArray(data) && hasLifetime(data)) return data as Data;
  throw new SyntaxError('a session is an object');
}

function hasLifetime({ cookie }: { cookie?: unknown }): boolean {
  if (cookie === undefined) return true;
  const { originalMaxAge } = (cookie ?? {}) as { originalMaxAge?: unknown };
  return originalMaxAge === null || typeof originalMaxAge === 'number';
}

/** The lifetime of a cookie. Null: until the browser closes, which express-session also writes as `false`. */
export function readLifetimeMs({ originalMaxAge }: { originalMaxAge?: unknown }): number | null {
  return typeof originalMaxAge === 'number' && Number.isFinite(originalMaxAge) ? originalMaxAge : null;
}

/** @throws Unstorable when a value has no JSON form */
export function stringifyData(data: Data): string {
  try {
    return JSON.stringify(data);
  } catch (error) {
    throw explain(data, error);
  }
}

/** The part of a session object that is stored: not the session's methods, `__proto__`, or functions. */
export function pickData(session: object, lifetimeMs: number | null | undefined): Data {
  const data: Data = {};
  for (const [key, value] of Object.entries(session)) if (key !== 'cookie' && isData(key, value)) data[key] = value;
  if (lifetimeMs !== undefined) data.cookie = { originalMaxAge: lifetimeMs };
  return data;
}

export function findChanges(before: Data, after: Data): Changes {
  const set = Object.entries(after).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key]));
  const deleted = Object.keys(before).filter((key) => !isReserved(key) && JSON.stringify(after[key]) === undefined);
  return { set: Object.fromEntries(set), deleted };
}

export function applyChanges(data: Data, { set, deleted }: Changes): Data {
  const kept = Object.entries(data).filter(([key]) => !deleted.includes(key));
  return { ...Object.fromEntries(kept), ...set };
}

/**
 * Applies the changes of a request to the stored data, and then `change`. The changes are JSON text, so that two attempts never
 * share an object that `change` modifies.
 */
export function merge(stored: Data, changes: string, change: Change | undefined): Data {
  const data = applyChanges(stored, JSON.parse(changes) as Changes);
  if (!change) return data;
  const lifetimeMs = data.cookie?.originalMaxAge;
  verifyAtOnce(change(data), 'req.session.update needs a function that is not async: await first, then call update');
  // Only `req.session.cookie` sets the lifetime: any other `cookie` value would make the record unreadable. Parse the JSON
  // again, so that the result is what a later request reads: for example, an owner may become a string only then.
  return parseData(stringifyData(pickData(data, lifetimeMs)));
}

/**
 * Refuses the promise of an async function where the result is needed at once.
 * @throws TypeError
 */
export function verifyAtOnce(result: unknown, message: string): void {
  if (typeof (result as PromiseLike<unknown> | undefined)?.then !== 'function') return;
  // Ignore a rejection of the async function: the caller gets the TypeError below instead.
  Promise.resolve(result).catch(() => undefined);
  throw new TypeError(message);
}

// A function has no JSON form, and a property toJSON would replace the JSON of the whole session.
function isData(key: string, value: unknown): boolean {
  return typeof value !== 'function' && !isReserved(key);
}

/** The names of the session object's own members. A test compares them with the class. */
export const reservedNames: ReadonlySet<string> = new Set([
  ...['id', 'req', 'touch', 'resetMaxAge', 'save', 'reload', 'destroy', 'regenerate', 'update', 'endOthers'],
]);

function isReserved(key: string): boolean {
  return reservedNames.has(key) || key in Object.prototype;
}

function explain(data: Data, cause: unknown): Unstorable {
  const key = Object.keys(data).find((name) => !hasJson(data[name]));
  return new Unstorable(`the session's key '${key}' has a value that cannot be stored as JSON`, { cause });
}

function hasJson(value: unknown): boolean {
  try {
    JSON.stringify(value);
    return true;
  } catch {
    return false;
  }
}
