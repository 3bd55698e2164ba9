import { expiryOf } from './cookie-option.ts';
import { defaultLimits, type Limits, toLimits } from './data/limits.ts';
import type { SessionOptions } from './options.ts';

/**
 * The limits for these options of `session()`: `cookie.maxAge` is the default of the idle time.
 * @throws TypeError when a limit is not valid
 */
export function limitsOf({ limits, cookie }: Pick<Partial<SessionOptions>, 'limits' | 'cookie'>): Limits {
  const expiry = typeof cookie === 'object' ? expiryOf(cookie) : null;
  const idleMs = limits?.idleMs ?? (typeof expiry === 'number' ? expiry : defaultLimits.idleMs);
  const absoluteMs = Math.max(idleMs, defaultLimits.absoluteMs);
  return toLimits(limits, { ...defaultLimits, idleMs, anonymousIdleMs: idleMs, absoluteMs });
}
