import { type CipherKey, KeyObject } from 'node:crypto';
import { isAnyArrayBuffer } from 'node:util/types';
import type { Log } from '../stores/driver.ts';
import { kindOf } from '../stores/options.ts';
import type { Secret } from './cookie/signature.ts';
import type { Request } from './http.ts';
import { type Middleware, register } from './middleware.ts';

/** The types of the option `secret`. */
export type SecretOption = CipherKey | CipherKey[] | (() => Secret[]);

/** The length of 24 random bytes in base64url. A shorter secret gets a warning. */
const strongLength = 32;
const example = '32 random bytes, for example in base64url';
const signsWeakly =
  `session() has a secret shorter than ${strongLength} characters, which may be guessed. Put a new one before it, ` +
  `so that nobody is logged out: secret: [newSecret, oldSecret]. A good secret is ${example}`;
const verifiesWeakly =
  `session() still accepts cookies of a secret shorter than ${strongLength} characters, which may be guessed. Remove this ` +
  'secret when the longest session has expired';

/** True when the option is not set or falsy. Then `req.secret` of cookie-parser is used, as express-session does. */
export function isMissing(secret: SecretOption | null | undefined): secret is null | undefined | '' {
  return !secret;
}

/**
 * @returns a function that returns the secrets; it throws a TypeError when the application's function does not return an array
 * @throws TypeError when the option is not valid or contains no secret
 */
export function toSecrets(option: SecretOption, log: Log): () => Secret[] {
  if (typeof option === 'function') return readFrom(option);
  const secrets = toList(Array.isArray(option) ? option : [option]);
  const weak = secrets.filter((each) => each.length < strongLength);
  if (weak.length > 0) log.warn({}, weak.includes(secrets[0] as Secret) ? signsWeakly : verifiesWeakly);
  return () => secrets;
}

// The keyring compares arrays by identity, so the same array from the application must give the same array here.
function readFrom(read: () => unknown): () => Secret[] {
  let known: unknown;
  let secrets: Secret[] = [];
  return () => {
    const given = read();
    if (given === known && secrets.length > 0) return secrets;
    if (!Array.isArray(given))
      throw new TypeError(
        `secret option: the function must return an array, newest first: () => [newSecret, oldSecret]; it returned ${kindOf(given)}`,
      );
    secrets = toList(given);
    known = given;
    return secrets;
  };
}

function toList(given: unknown[]): Secret[] {
  const secrets = given.map(toSecret).filter(isFilled);
  if (secrets.length > 0) return secrets;
  throw new TypeError(`secret option array must contain one or more strings: session() needs a secret: ${example}`);
}

/**
 * A middleware that signs with `req.secret`, which cookie-parser sets. A request without `req.secret` fails.
 * @param create creates the middleware for a secret
 */
export function signWithSecretOfRequest(create: (secret: string) => Middleware, log: Log): Middleware {
  log.warn(
    {},
    'the option secret is undefined or empty (is the environment variable set?): session() has no secret, ' +
      `and a request without req.secret from cookie-parser fails. Set the option secret to ${example}`,
  );
  let known: { secret: string; middleware: Middleware } | undefined;
  return register((req, res, next) => {
    const { secret } = req as Request;
    if (!secret) return next(new Error(`the option secret of session() is required: set it to ${example}`));
    if (known?.secret !== secret) known = { secret, middleware: create(secret) };
    known.middleware(req, res, next);
  });
}

function toSecret(secret: unknown): Secret {
  if (typeof secret === 'string') return secret;
  if (secret instanceof KeyObject) return secret.export();
  if (ArrayBuffer.isView(secret)) return Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength);
  if (isAnyArrayBuffer(secret)) return Buffer.from(secret);
  const hint = secret === undefined ? ' (is the environment variable set?)' : '';
  throw new TypeError(
    'secret option must be a string, a Buffer or a KeyObject, an array of these, or a function that returns such an array; ' +
      `it is or contains ${kindOf(secret)}${hint}`,
  );
}

function isFilled({ length }: Secret): boolean {
  return length > 0;
}
