/** The limits of a session: its lifetime, its size, and the time of a store call. */
export interface Limits {
  /** Idle time in milliseconds after which a session with an owner expires. By default one day. */
  idleMs: number;
  /**
   * Idle time in milliseconds after which a session without an owner expires. By default the value of `idleMs`, and in an
   * environment 30 minutes.
   */
  anonymousIdleMs: number;
  /** Time in milliseconds after its creation when a session expires, even if it is in use. */
  absoluteMs: number;
  /** Time in milliseconds that one store call may take. Then the request fails with 503. */
  storeDeadlineMs: number;
  /** A session larger than this, in bytes of JSON, is stored with a warning in the log. */
  warnBytes: number;
  /** A session larger than this, in bytes of JSON, is not stored, and the request fails with 500. */
  refuseBytes: number;
  /**
   * The properties of `req.session` that can name its owner; the first one with a value counts. `a.b` means `req.session.a.b`.
   * If the value is an object, its `id` counts, else `_id`, `sub`, `username` or `email`.
   */
  ownerKeys: string[];
}

/** Limits that an application sets. Undefined: the default. */
export type SomeLimits = { [Name in keyof Limits]?: Limits[Name] | undefined };

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

// A session has an owner as soon as one of `ownerKeys` has a value. The convention is `userId`. `username`, `user` and
// `passport.user` are what tutorials and Passport use. Other sessions are anonymous. In an environment they expire sooner,
// because any robot can create them. By default, `session()` uses `idleMs` for them too. `req.session.cookie.maxAge` overrides
// the idle time of a single session.
export const defaultLimits: Limits = {
  idleMs: dayMs,
  anonymousIdleMs: 30 * minuteMs,
  absoluteMs: 30 * dayMs,
  storeDeadlineMs: 2000,
  warnBytes: 32 * 1024,
  refuseBytes: 256 * 1024,
  ownerKeys: ['userId', 'username', 'user', 'passport.user'],
};

/**
 * Fills in defaults for the limits that an application left out.
 * @throws TypeError when a name is not a limit, or a value is not valid
 */
export function toLimits(given: SomeLimits = {}, defaults: Limits = defaultLimits): Limits {
  const chosen = Object.entries(given).filter(([, value]) => value !== undefined);
  for (const [name, value] of chosen) verifyLimit(name, value);
  return { ...defaults, ...Object.fromEntries(chosen) };
}

function verifyLimit(name: string, value: unknown): void {
  if (!Object.hasOwn(defaultLimits, name))
    throw new TypeError(`limits.${name} is not a valid limit; use one of: ${Object.keys(defaultLimits).join(', ')}`);
  const isNames = Array.isArray(value) && value.every((key) => typeof key === 'string' && key !== '');
  if (name === 'ownerKeys' && !isNames) throw new TypeError('limits.ownerKeys must be an array of property names');
  const isAmount = typeof value === 'number' && Number.isFinite(value) && value > 0;
  if (name !== 'ownerKeys' && !isAmount)
    throw new TypeError(`limits.${name} must be a number of ${name.endsWith('Ms') ? 'milliseconds' : 'bytes'} above 0`);
}
