import type { Cookie } from 'express-session';
import session from 'express-session';

/** Creates `req.session.cookie`. */
export type CreateCookie = (options: object) => Cookie;

interface WithMaxAge extends Cookie {
  maxAge: number;
}

// express-session exports the class, but its types omit the constructor's parameter.
const TheirCookie = session.Cookie as unknown as new (options: object) => WithMaxAge;

/** @param now the option `now`, whose clock the cookies follow. Without it, they are express-session's own cookies */
export function cookiesBy(now: (() => number) | undefined): CreateCookie {
  const Class = now ? classFor(now) : TheirCookie;
  return (options) => new Class(options);
}

// express-session's constructor already assigns `maxAge`, so the clock cannot be a field of the cookie.
function classFor(now: () => number): typeof TheirCookie {
  return class Cookie extends TheirCookie {
    override get maxAge(): number {
      return this.expires instanceof Date ? this.expires.getTime() - now() : super.maxAge;
    }

    override set maxAge(ms: number) {
      // Throws for a value of a wrong type.
      super.maxAge = ms;
      if (typeof ms === 'number') this.expires = new Date(now() + ms);
    }
  };
}
