import type { Driver } from './driver.ts';
import { wrap } from './wrap.ts';

/** Wraps a driver and removes the password of its address from all errors, because errors are logged. */
export function hidePassword(driver: Driver, url: string): Driver {
  const passwords = passwordsIn(url);
  if (passwords.length === 0) return driver;
  return wrap((call) =>
    call(driver).catch((error: unknown) => {
      throw withoutSecrets(error, [url, ...passwords]);
    }),
  );
}

/** The passwords in an address, both as written and decoded. PostgreSQL also accepts a password as a parameter. */
export function passwordsIn(url: string): string[] {
  // Match up to the last @: a malformed address may have a slash in its password.
  const user = /^[^/]*\/\/[^:]*?:(.*)@/s.exec(url)?.[1] ?? '';
  const parameter = /[?&]password=([^&#]*)/i.exec(url)?.[1] ?? '';
  const meant = [user, parameter, parameter.replaceAll('+', ' ')].map(decode);
  return [...new Set([user, parameter, ...meant])].filter((password) => password !== '');
}

// Keep only the message, stack and code: other properties of a library's errors (the command, the address) may contain it too.
function withoutSecrets(error: unknown, secrets: string[]): Error {
  const { message, stack = '', code, cause } = toError(error);
  const clean = (text: string): string => secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
  const shown = new Error(clean(message), cause === undefined ? {} : { cause: withoutSecrets(cause, secrets) });
  shown.stack = clean(stack);
  return Object.assign(shown, typeof code === 'string' && { code: clean(code) });
}

function toError(error: unknown): NodeJS.ErrnoException & { cause?: unknown } {
  return error instanceof Error ? error : new Error(String(error));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}
