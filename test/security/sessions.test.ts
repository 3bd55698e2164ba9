// OWASP ASVS 5.0, chapter V7, and the OWASP Session Management Cheat Sheet where it requires more. The title of each test begins
// with its requirement or heading.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signId } from '../../src/session/cookie/signature.ts';
import type { Driver, StoredRecord } from '../../src/stores/driver.ts';
import { open } from '../../src/stores/embedded/driver.ts';
import { partsOf, serveFor } from './site.ts';

const production = serveFor('production');
const { as, ask, secret } = production;
let driver: Driver;

beforeAll(async () => {
  driver = await open(join(production.directory, 'data', 'sessions'));
});
afterAll(() => driver.close());

const hourMs = 3_600_000;

async function recordOf(cookie: string): Promise<StoredRecord> {
  const record = await driver.read(partsOf(cookie).key);
  if (!record) throw new Error('there is no record');
  return record;
}

/** Changes the times of a stored session, as if time had passed. */
async function age(cookie: string, changes: (record: StoredRecord) => Partial<StoredRecord>): Promise<void> {
  const { key, version, ...record } = await recordOf(cookie);
  expect(await driver.update(key, version, { ...record, ...changes({ key, version, ...record }) })).toBe(true);
}

test('7.2.1: only the server verifies a session, by its signature and its store: a changed cookie gives no access', async () => {
  const { cookie } = await ask('/in');
  expect((await as(cookie, '/me')).body).toBe('ann');
  const at = cookie.indexOf('=');
  for (const position of [at + 5, at + 20, cookie.length - 10]) {
    const other = cookie[position] === 'A' ? 'B' : 'A';
    expect((await as(cookie.slice(0, position) + other + cookie.slice(position + 1), '/me')).body).toBe('nobody');
  }
});

test('7.2.2: a session is created when needed: no static token gives access, not even a signed one', async () => {
  const { name } = partsOf((await ask('/in')).cookie);
  const key = { id: '', secret: await secret() };
  for (const id of ['', 'admin', '1', 'A'.repeat(43), await secret()]) {
    const { body, cookie } = await as(`${name}=${encodeURIComponent(signId(id, key))}`, '/in');
    expect(body).toBe('in');
    expect(partsOf(cookie).id).not.toBe(id);
    expect((await as(`${name}=${encodeURIComponent(signId(id, key))}`, '/me')).body).toBe('nobody');
  }
});

test('7.2.3: an id has 256 random bits, is different each time, and never comes from the client', async () => {
  const cookies = await Promise.all(Array.from({ length: 20 }, async () => (await ask('/in')).cookie));
  const ids = cookies.map((cookie) => partsOf(cookie).id);
  expect(new Set(ids).size).toBe(20);
  const bytes = ids.map((id) => Buffer.from(id, 'base64url'));
  for (const id of bytes) expect(id).toHaveLength(32);
  const ones = bytes.reduce(
    (sum, id) => sum + [...id].reduce((bits, byte) => bits + byte.toString(2).replaceAll('0', '').length, 0),
    0,
  );
  expect(Math.abs(ones / (20 * 256) - 0.5)).toBeLessThan(0.05);
});

test('7.2.4: req.session.regenerate at login gives a new id, and the old id is invalid', async () => {
  const before = (await ask('/keep/theme/dark')).cookie;
  const { cookie } = await as(before, '/in');
  expect(partsOf(cookie).id).not.toBe(partsOf(before).id);
  expect([(await as(before, '/data')).body, (await as(cookie, '/data')).body]).toEqual(['{}', '{"userId":"ann"}']);
});

test('7.3.1: a session expires after 24 hours without use, and an anonymous session after 30 minutes', async () => {
  const { cookie } = await ask('/in');
  const record = await recordOf(cookie);
  expect(record.expiresAtMs - record.seenAtMs).toBe(24 * hourMs);
  await age(cookie, ({ expiresAtMs }) => ({ expiresAtMs: expiresAtMs - 24 * hourMs }));
  expect((await as(cookie, '/me')).body).toBe('nobody');
  const unknown = await recordOf((await ask('/keep/theme/dark')).cookie);
  expect(unknown.expiresAtMs - unknown.seenAtMs).toBe(hourMs / 2);
});

test('7.3.2: a session expires after 30 days even if it is used, whatever the client keeps', async () => {
  const { cookie } = await ask('/in');
  await age(cookie, ({ createdAtMs }) => ({ createdAtMs: createdAtMs - (30 * 24 - 1) * hourMs }));
  expect((await as(cookie, '/keep/used/yes')).status).toBe(200);
  const { createdAtMs, expiresAtMs } = await recordOf(cookie);
  expect(expiresAtMs).toBe(createdAtMs + 30 * 24 * hourMs);
  await age(cookie, (record) => ({ createdAtMs: record.createdAtMs - hourMs, expiresAtMs: expiresAtMs + 24 * hourMs }));
  expect((await as(cookie, '/me')).body).toBe('nobody');
});

test('7.4.1: after a logout the session is gone from the store, also for requests that still run', async () => {
  const { cookie } = await ask('/in');
  const slow = as(cookie, '/slow');
  expect((await as(cookie, '/out')).body).toBe('out');
  expect(await driver.read(partsOf(cookie).key)).toBeUndefined();
  await slow;
  expect((await as(cookie, '/data')).body).toBe('{}');
  expect(await driver.read(partsOf(cookie).key)).toBeUndefined();
});

test('7.6.2: a request that only reads creates no session', async () => {
  for (const path of ['/me', '/data', '/missing', '/fail']) expect((await ask(path)).cookie).toBe('');
});

test('Cheat sheet, Session ID Name Fingerprinting: the name of the cookie does not reveal the software', async () => {
  const { name } = partsOf((await ask('/in')).cookie);
  expect(name).not.toMatch(/connect|express|session|sid|sessapp|node/i);
});

test('Cheat sheet, Session ID Content: an id is random and has no meaning', async () => {
  const ids = await Promise.all([1, 2, 3].map(async () => partsOf((await ask('/in')).cookie).id));
  for (const id of ids) expect(id).toMatch(/^[\w-]{43}$/);
  for (const at of Array(36).keys()) expect(ids[0]?.slice(at, at + 8)).not.toBe(ids[1]?.slice(at, at + 8));
});

test('Cheat sheet, Used vs. Accepted Session ID Exchange Mechanisms: a session id is accepted only from the cookie', async () => {
  const { cookie } = await ask('/in');
  const value = decodeURIComponent(cookie).replace(/^[^=]*=/, '');
  for (const name of ['Authorization', 'X-Session-Id', 'Cookie2', 'X-Auth-Token', partsOf(cookie).name])
    for (const sent of [cookie, value]) expect((await ask('/me', { headers: { [name]: sent } })).body).toBe('nobody');
  const form = { method: 'POST', body: cookie, headers: { 'Content-Type': 'application/x-www-form-urlencoded' } };
  expect((await ask('/write', form)).cookie).toBe('');
});

test('Cheat sheet, Permissive and Strict Session Management: an id that the server did not create is not accepted', async () => {
  const { cookie } = await ask('/in');
  const { name, id } = partsOf(cookie);
  for (const value of [`s:${'a'.repeat(43)}.${'b'.repeat(43)}`, 'a'.repeat(43), `s:${id}`, id, `j:{"a":1}`]) {
    const response = await as(`${name}=${encodeURIComponent(value)}`, '/in');
    expect(response.cookie).not.toContain('a'.repeat(43));
    expect(partsOf(response.cookie).id).not.toBe(id);
  }
});

test.each([
  ['nothing', ''],
  ['markup', '"><script>alert(1)</script>'],
  ['an SQL quote', "' OR '1'='1"],
  ['a path', 's:../../data/sessions/data.mdb.x'],
  ['a broken escape', '%E0%A4%A'],
  ['zero bytes', 's:%00%00.%00'],
  ['a long value', `s:${'x'.repeat(7000)}.y`],
  ['dots', 's:.............'],
  ['invalid UTF-8', 's:\u00ff\u00fe.\u00fd'],
])(
  'Cheat sheet, Manage Session ID as Any Other User Input: %s as the value gives no access, and is not sent back',
  async (_, value) => {
    const { name } = partsOf((await ask('/in')).cookie);
    const response = await as(`${name}=${value}`, '/me');
    expect(response).toMatchObject({ status: 200, body: 'nobody', cookie: '' });
    if (value) expect(JSON.stringify(response)).not.toContain(value);
  },
);

test('Cheat sheet, Expire and Max-Age Attributes: the cookie expires no later than the session', async () => {
  const [line = ''] = (await ask('/in')).headers['set-cookie'] ?? [];
  const [, seconds = ''] = /; Max-Age=(\d+);/.exec(line) ?? [];
  expect(Number(seconds)).toBeLessThanOrEqual(30 * 24 * 3600);
  expect(Number(seconds)).toBeGreaterThan(30 * 24 * 3600 - 60);
});

test('Cheat sheet, Session ID Guessing and Brute Force Detection: 1000 guesses give no access and store nothing', async () => {
  const { cookie } = await ask('/in');
  const { name, signature } = partsOf(cookie);
  const guesses = Array.from({ length: 20 }, (_, n) =>
    Array.from({ length: 50 }, (_, m) => `${name}=s:guess${n}-${m}.${signature}`).join('; '),
  );
  for (const guess of guesses) expect(await as(guess, '/me')).toMatchObject({ body: 'nobody', cookie: '' });
});
