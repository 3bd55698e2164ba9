import type { Driver, ListQuery, StoredRecord } from './driver.ts';

/** The driver, none of whose errors tells the password in its address: they end up in logs. */
export function hidePassword(driver: Driver, url: string): Driver {
  const passwords = passwordsIn(url);
  if (passwords.length === 0) return driver;
  const hide = (error: unknown): Error => withoutSecrets(error, [url, ...passwords]);
  const call = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw hide(error);
    });
  const { warnings, countSetAside } = driver;
  return {
    read: (key) => call(driver.read(key)),
    create: (key, record, version) => call(driver.create(key, record, version)),
    update: (key, version, record) => call(driver.update(key, version, record)),
    touch: (key, version, seenAtMs, expiresAtMs) => call(driver.touch(key, version, seenAtMs, expiresAtMs)),
    delete: (key) => call(driver.delete(key)),
    setAside: (key) => call(driver.setAside(key)),
    list: (query) => list(driver, query, hide),
    prune: (nowMs, limit) => call(driver.prune(nowMs, limit)),
    ping: () => call(driver.ping()),
    ...(countSetAside && { countSetAside: () => call(countSetAside.call(driver)) }),
    ...(warnings && { warnings: () => call(warnings.call(driver)) }),
    close: () => call(driver.close()),
  };
}

async function* list(driver: Driver, query: ListQuery, hide: (error: unknown) => Error): AsyncGenerator<StoredRecord> {
  try {
    yield* driver.list(query);
  } catch (error) {
    throw hide(error);
  }
}

/** The passwords of an address, as they are written there and as they are meant. */
export function passwordsIn(url: string): string[] {
  const [, userinfo = ''] = /^[^/]*\/\/([^/?#]*)@/.exec(url) ?? [];
  const [, ...rest] = userinfo.split(':');
  const query = new URLSearchParams(/\?([^#]*)/.exec(url)?.[1] ?? '');
  const written = [rest.join(':'), query.get('password') ?? ''].filter((password) => password !== '');
  return [...new Set([...written, ...written.map(decode)])];
}

// Only the text and the code: whatever else a library hangs on its errors (the command, the address) may tell it too.
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
