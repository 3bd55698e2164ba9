import { type CipherKey, KeyObject } from 'node:crypto';
import type { Log } from '../stores/driver.ts';
import type { Secret } from './cookie/signature.ts';
import type { Request } from './http.ts';
import { type Middleware, register } from './middleware.ts';

/** What the option `secret` may be. */
export type SecretOption = CipherKey | CipherKey[] | (() => Secret[]);

/** 24 random bytes in base64url. */
const strongLength = 32;
const example = '32 random bytes, in base64url for example';

/** True when the secret is that of cookie-parser: express-session takes it, too. */
export function isMissing(secret: SecretOption | null | undefined): secret is null | undefined | '' {
  return secret === undefined || secret === null || secret === '';
}

/** @throws TypeError when there is no secret among them */
export function toSecrets(option: SecretOption, log: Log): () => Secret[] {
  if (typeof option === 'function') return option;
  const secrets = [option].flat().map(toSecret).filter(isFilled);
  if (secrets.length === 0)
    throw new TypeError(`secret option array must contain one or more strings: session() needs a secret: ${example}`);
  if (secrets.some((each) => each.length < strongLength))
    log.warn({}, `session() has a secret of less than ${strongLength} characters, which can be guessed`);
  return () => secrets;
}

/**
 * A middleware that signs with `req.secret`, which cookie-parser sets. A request without it is an error.
 * @param create makes the middleware for a secret
 */
export function signWithSecretOfRequest(create: (secret: string) => Middleware, log: Log): Middleware {
  log.warn(
    {},
    `session() has no secret: each request fails that has no req.secret of cookie-parser. Set one: ${example}`,
  );
  let known: { secret: string; middleware: Middleware } | undefined;
  return register((req, res, next) => {
    const { secret } = req as Request;
    if (!secret) return next(new Error(`the option secret of session() is required: ${example}`));
    if (known?.secret !== secret) known = { secret, middleware: create(secret) };
    known.middleware(req, res, next);
  });
}

function toSecret(secret: CipherKey): Secret {
  if (typeof secret === 'string') return secret;
  if (secret instanceof KeyObject) return secret.export();
  return ArrayBuffer.isView(secret)
    ? Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength)
    : Buffer.from(secret);
}

function isFilled({ length }: Secret): boolean {
  return length > 0;
}
