/** What a session may cost: how long it lives, how large it is, how long the store may take. */
export interface Limits {
  /** How long the session of an owner lives without being used. */
  idleMs: number;
  /** The same, for a session without an owner. */
  anonymousIdleMs: number;
  /** How long a session lives at most, however much it is used. */
  absoluteMs: number;
  /** How long one call to the store may take. */
  storeDeadlineMs: number;
  /** From this size on, the log has a warning. */
  warnBytes: number;
  /** A larger session is not stored, and the request is answered with 500. */
  refuseBytes: number;
  /**
   * The keys of `req.session` that may name its owner, the first one that does counts. `a.b` is the `b` of its `a`. Of an
   * object its `id` counts, else `_id`, `sub`, `username` or `email`.
   */
  ownerKeys: string[];
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

// A session has an owner once it says whose it is. The convention is `userId`; `username` counts too, so that what the
// first page of a newcomer puts there is not forgotten over lunch, and what tutorials and Passport keep of a user. The
// rest, which any robot can make, goes soon.
// For a single session, `req.session.cookie.maxAge` says otherwise.
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
 * The limits that an application gave; a default for each that it left out.
 * @throws TypeError when one has a value that it cannot have, or is not a limit
 */
export function toLimits(given: Partial<Limits> = {}, defaults: Limits = defaultLimits): Limits {
  const chosen = Object.entries(given).filter(([, value]) => value !== undefined);
  for (const [name, value] of chosen) verifyLimit(name, value);
  return { ...defaults, ...Object.fromEntries(chosen) };
}

function verifyLimit(name: string, value: unknown): void {
  if (!Object.hasOwn(defaultLimits, name))
    throw new TypeError(`limits.${name} is not a limit: they are ${Object.keys(defaultLimits).join(', ')}`);
  const isNames = Array.isArray(value) && value.every((key) => typeof key === 'string' && key !== '');
  if (name === 'ownerKeys' && !isNames) throw new TypeError('limits.ownerKeys must be an array of names of keys');
  const isAmount = typeof value === 'number' && Number.isFinite(value) && value > 0;
  if (name !== 'ownerKeys' && !isAmount)
    throw new TypeError(
      `limits.${name} must be a number above 0, of ${name.endsWith('Ms') ? 'milliseconds' : 'bytes'}`,
    );
}
