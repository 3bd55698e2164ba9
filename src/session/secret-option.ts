import { type CipherKey, KeyObject } from 'node:crypto';
import type { Log } from '../stores/driver.ts';
import type { Secret } from './cookie/signature.ts';
import type { Request } from './http.ts';
import { type Middleware, register } from './middleware.ts';

/** The types of the option `secret`. */
export type SecretOption = CipherKey | CipherKey[] | (() => Secret[]);

/** 24 random bytes in base64url. */
const strongLength = 32;
const example = '32 random bytes, for example in base64url';

/** True when the option is not set. Then `req.secret` of cookie-parser is used, as express-session does. */
export function isMissing(secret: SecretOption | null | undefined): secret is null | undefined | '' {
  return secret === undefined || secret === null || secret === '';
}

/** @throws TypeError when the option contains no secret */
export function toSecrets(option: SecretOption, log: Log): () => Secret[] {
  if (typeof option === 'function') return option;
  const secrets = [option].flat().map(toSecret).filter(isFilled);
  if (secrets.length === 0)
    throw new TypeError(`secret option array must contain one or more strings: session() needs a secret: ${example}`);
  if (secrets.some((each) => each.length < strongLength))
    log.warn(
      {},
      `session() has a secret shorter than ${strongLength} characters, which may be guessed. Use ${example}`,
    );
  return () => secrets;
}

/**
 * A middleware that signs with `req.secret`, which cookie-parser sets. A request without `req.secret` fails.
 * @param create creates the middleware for a secret
 */
export function signWithSecretOfRequest(create: (secret: string) => Middleware, log: Log): Middleware {
  log.warn(
    {},
    `session() has no secret: a request without req.secret from cookie-parser fails. Set the option secret to ${example}`,
  );
  let known: { secret: string; middleware: Middleware } | undefined;
  return register((req, res, next) => {
    const { secret } = req as Request;
    if (!secret) return next(new Error(`the option secret of session() is required: set it to ${example}`));
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
