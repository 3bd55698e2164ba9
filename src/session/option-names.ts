import type { Log } from '../stores/driver.ts';
import type { CookieOptions, SessionOptions } from './options.ts';

const options: Record<keyof SessionOptions, true> = {
  secret: true,
  store: true,
  adopt: true,
  name: true,
  key: true,
  cookie: true,
  proxy: true,
  genid: true,
  resave: true,
  rolling: true,
  saveUninitialized: true,
  unset: true,
  limits: true,
  log: true,
  now: true,
};

const attributes: Record<keyof CookieOptions, true> = {
  domain: true,
  encode: true,
  expires: true,
  httpOnly: true,
  maxAge: true,
  partitioned: true,
  path: true,
  priority: true,
  sameSite: true,
  secure: true,
  signed: true,
};

/** Logs each option that does not exist, for example because of a typing error: express-session ignores it silently. */
export function reportUnknownOptions(given: Partial<SessionOptions>, log: Log): void {
  const { cookie } = given;
  report('', given, options, log);
  if (typeof cookie === 'object' && cookie !== null) report('cookie.', cookie, attributes, log);
}

function report(prefix: string, given: object, known: Record<string, true>, log: Log): void {
  for (const name of Object.keys(given).filter((each) => !Object.hasOwn(known, each)))
    log.warn(
      {},
      `session() ignores the option ${prefix}${name}, which does not exist. Use: ${Object.keys(known).join(', ')}`,
    );
}
