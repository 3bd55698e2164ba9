import { Agent, request } from 'node:http';
import { array, asyncProperty, constantFrom, integer, oneof, string, tuple } from 'fast-check';
import { expect } from 'vitest';
import { signId, verifyId } from '../../src/session/cookie/signature.ts';
import { sessionKeyOf } from '../../src/stores/session-key.ts';
import { secretOf, startSite } from '../session/support.ts';
import { check } from './check.ts';

const atOnce = 10;

/** Any Cookie header is somebody's, if the whole cookie of that session is in it, and else nobody's; none is sent back. */
export async function fuzzCookies(cases: number): Promise<void> {
  const site = await startSite((app) => {
    app.get('/in', (req, res) => {
      req.session.userId = 'ann';
      res.send('in');
    });
    app.get('/me', (req, res) => res.send(req.session.userId ?? 'nobody'));
  });
  const { cookie } = await site.request('/in');
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  const ask = async (header: string): Promise<void> => {
    const { status, body, setsCookie } = await me(site.url, agent, header);
    expect({ status, body, setsCookie }).toEqual({
      status: 200,
      body: isHeldBy(header, cookie) ? 'ann' : 'nobody',
      setsCookie: false,
    });
  };
  const headers = array(headerLike(cookie), { minLength: atOnce, maxLength: atOnce });
  try {
    await check(
      asyncProperty(headers, async (all) => void (await Promise.all(all.map(ask)))),
      Math.ceil(cases / atOnce),
    );
  } finally {
    agent.destroy();
  }
  expect(site.log).toEqual([]);
}

/** Only what a key has signed is an id, and then it is that id. */
export async function fuzzSignatures(cases: number): Promise<void> {
  const keys = ['a', 'b'].map((name) => ({ id: name, secret: secretOf(name) }));
  const [newest, older] = keys as [(typeof keys)[0], (typeof keys)[0]];
  const foreign = { id: 'c', secret: secretOf('c') };
  const any = oneof(string(), string({ unit: 'binary' }), constantFrom('', '.', 'a.b', '__proto__'));
  const property = asyncProperty(any, any, integer({ min: 0, max: 120 }), async (id, noise, at) => {
    for (const key of [newest, older]) {
      const value = signId(id, key);
      if (id !== '') expect(verifyId(value, keys)).toEqual({ id, value, sessionKey: sessionKeyOf(id), keyId: key.id });
      const changed = value.slice(0, at) + noise + value.slice(at + 1);
      if (changed !== value) expect(verifyId(changed, keys)).toBeUndefined();
    }
    for (const value of [id, `s:${id}`, `s:${id}.${noise}`, signId(id, foreign)])
      expect(verifyId(value, keys)).toBeUndefined();
  });
  await check(property, cases);
}

// What a header may hold at all: visible characters, tabs, and bytes above.
const text = string({
  unit: integer({ min: 0x20, max: 0xff })
    .filter((code) => code !== 0x7f)
    .map((code) => String.fromCharCode(code)),
  maxLength: 30,
});

function headerLike(cookie: string) {
  const [name = '', value = ''] = cookie.split('=');
  const decoded = decodeURIComponent(value);
  const words = [
    name,
    `${name}=`,
    `__Host-${name}=`,
    ';',
    '; ',
    '=',
    ',',
    '"',
    '%',
    '%00',
    '%E0%A4%A',
    '\t',
    's:',
    's%3A',
    '.',
  ];
  const parts = [
    cookie,
    value,
    decoded,
    value.slice(0, 20),
    value.slice(20),
    '__proto__=1',
    '$Version=1',
    `${name}[]=`,
  ];
  const changed = tuple(integer({ min: 0, max: cookie.length }), text).map(
    ([at, noise]) => cookie.slice(0, at) + noise + cookie.slice(at + 1),
  );
  const long = integer({ min: 1, max: 4000 }).map((length) => `${name}=s:${'x.'.repeat(length / 2)}`);
  const piece = oneof(
    { weight: 8, arbitrary: constantFrom(...words, ...parts) },
    { weight: 2, arbitrary: changed },
    { weight: 2, arbitrary: text },
    { weight: 1, arbitrary: long },
  );
  return array(piece, { maxLength: 12 }).map((pieces) => pieces.join('').slice(0, 8000));
}

function isHeldBy(header: string, cookie: string): boolean {
  const [name = '', value = ''] = cookie.split('=');
  const pairs = header.split(';').map((pair) => /^\s*([^=]*?)\s*=(.*)$/s.exec(pair) ?? []);
  return pairs.some(([, key, given = '']) => key === name && isSame(given.trim(), value));
}

function isSame(given: string, value: string): boolean {
  try {
    return decodeURIComponent(given) === decodeURIComponent(value);
  } catch {
    return false;
  }
}

function me(
  url: string,
  agent: Agent,
  cookie: string,
): Promise<{ status?: number; body: string; setsCookie: boolean }> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/me`, { agent, headers: { Cookie: cookie } }, async (response) => {
      const body = (await response.setEncoding('utf8').toArray()).join('');
      resolve({ status: response.statusCode ?? 0, body, setsCookie: 'set-cookie' in response.headers });
    });
    sent.on('error', reject).end();
  });
}
