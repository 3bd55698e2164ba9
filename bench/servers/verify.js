import { ask, nextCookie } from '../load/client.js';
import { lifetimeMs, texts } from '../peers/work.js';

const hourMs = 3_600_000;
const flags = ['httponly', 'path=/', 'samesite=lax', 'secure'];

/**
 * Verifies that a server does the same work as the others: the same bodies, a session that is really saved, and a cookie
 * with the same flags and lifetime.
 * @throws when it does not
 */
export async function verifyServer({ url }, { isSessionless = false } = {}) {
  const page = async (path, body, cookie) => {
    const response = await ask(url + path, cookie);
    verifyEqual(`${url}${path}`, { status: response.status, body: response.body }, { status: 200, body });
    verifyEqual('the type of the response', response.type?.toLowerCase(), 'text/plain; charset=utf-8');
    return response;
  };
  if (isSessionless) return void (await page('/profile', texts.current('guest')));
  await page('/profile', texts.none);
  const first = await page('/', texts.saved);
  verifyCookie(first.setCookie);
  const cookie = nextCookie(first);
  const read = await page('/profile', texts.current('guest'), cookie);
  verifyEqual('the cookie that a read sets', read.setCookie, undefined);
  await page('/count', '1\n', cookie);
  const second = await page('/', texts.saved, cookie);
  await page('/count', '2\n', nextCookie(second, cookie));
}

/** Verifies that a session of 8 KB is saved. */
export async function verifyLarge({ url }, cookie) {
  const { body } = await ask(`${url}/size`, cookie);
  verifyEqual(`${url}/size`, body, '8000\n');
}

/** @throws when a Set-Cookie does not have exactly the expected flags and lifetime */
export function verifyCookie(setCookie = '') {
  const attributes = setCookie
    .split(';')
    .slice(1)
    .map((text) => text.trim());
  const isLifetime = (text) => /^(max-age|expires)=/i.test(text);
  verifyEqual(
    'the flags of the cookie',
    attributes
      .filter((text) => !isLifetime(text))
      .map((text) => text.toLowerCase())
      .sort(),
    flags,
  );
  const livesMs = Math.max(...attributes.filter(isLifetime).map(lifetimeOf));
  if (Math.abs(livesMs - lifetimeMs) > hourMs) throw new Error(`the cookie lives ${livesMs} ms, not ${lifetimeMs}`);
}

function lifetimeOf(attribute) {
  const value = attribute.slice(attribute.indexOf('=') + 1);
  return /^max-age/i.test(attribute) ? Number(value) * 1000 : Date.parse(value) - Date.now();
}

function verifyEqual(what, found, expected) {
  const [a, b] = [found, expected].map((value) => JSON.stringify(value));
  if (a !== b) throw new Error(`${what}: expected ${b}, found ${a}`);
}
