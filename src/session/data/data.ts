/** The session holds what no store can keep: a value without JSON, or too much. */
export class Unstorable extends Error {
  readonly status = 500;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Unstorable';
  }
}

/** What a session holds, by its top-level keys. `cookie` is there only when the application chose a lifetime. */
export type Data = Record<string, unknown> & { cookie?: { originalMaxAge: number | null } };

/** What a request changed. */
export interface Changes {
  set: Data;
  deleted: string[];
}

/** What `update` is given. */
export type Change = (data: Data) => unknown;

/** @throws SyntaxError when the text is no session */
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

/** The lifetime that a cookie asks for. Null: it ends with the browser, which express-session also writes as `false`. */
export function readLifetimeMs({ originalMaxAge }: { originalMaxAge?: unknown }): number | null {
  return typeof originalMaxAge === 'number' && Number.isFinite(originalMaxAge) ? originalMaxAge : null;
}

/** @throws Unstorable when a value has no JSON */
export function stringifyData(data: Data): string {
  try {
    return JSON.stringify(data);
  } catch (error) {
    throw explain(data, error);
  }
}

/** The part of a session object that is stored. Methods of a session, `__proto__`, and functions are no data. */
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
 * What is stored, with the changes of a request and what `change` makes of it all. The changes are text, so that no two
 * attempts share a value that `change` alters.
 */
export function merge(stored: Data, changes: string, change: Change | undefined): Data {
  const data = applyChanges(stored, JSON.parse(changes) as Changes);
  if (!change) return data;
  const lifetimeMs = data.cookie?.originalMaxAge;
  verifyAtOnce(change(data));
  // Only `req.session.cookie` changes how long a session lives: any other `cookie` would make the record unreadable.
  // As it will be read: an owner may be text only then.
  return parseData(stringifyData(pickData(data, lifetimeMs)));
}

// What it changes after it has waited comes too late to be stored.
function verifyAtOnce(result: unknown): void {
  if (typeof (result as PromiseLike<unknown> | undefined)?.then !== 'function') return;
  // So does its failure: who awaits the update hears of this one instead.
  Promise.resolve(result).catch(() => undefined);
  throw new TypeError('req.session.update takes a function that is not async: await first, then update');
}

// A function has no JSON, and one that is called toJSON would speak for all of the session.
function isData(key: string, value: unknown): boolean {
  return typeof value !== 'function' && !isReserved(key);
}

/** What a session object has beside its data; a test compares this with its class. */
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
