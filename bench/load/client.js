import { get } from 'node:http';

/** Sends one request like those of the load, on a new connection. */
export function ask(url, cookie = '') {
  const headers = { 'X-Forwarded-Proto': 'https', ...(cookie && { cookie }) };
  return new Promise((resolve, reject) => {
    const sent = get(url, { headers, agent: false }, async (response) => {
      try {
        const body = (await response.setEncoding('utf8').toArray()).join('');
        const setCookie = response.headers['set-cookie']?.[0];
        resolve({ status: response.statusCode, type: response.headers['content-type'], body, setCookie });
      } catch (error) {
        reject(error);
      }
    });
    sent.on('error', reject);
  });
}

/** The cookie of the next request, after a response that may have set a new one. */
export function nextCookie({ setCookie }, cookie) {
  return setCookie?.split(';')[0] ?? cookie;
}

/**
 * Opens some sessions by visiting these paths one after the other.
 * @returns their cookies
 */
export async function openSessions(url, paths, count = 100) {
  const cookies = [];
  while (cookies.length < count) {
    let cookie = '';
    for (const path of paths) cookie = nextCookie(await ask(url + path, cookie), cookie);
    cookies.push(cookie);
  }
  return cookies;
}
