import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../support/redis-server.ts';
import { Sandbox } from '../support/sandbox.ts';
import { addRoutes, copyEnvironment, request, startPlain, waitFor } from '../support/server.ts';

test('in development each request is logged as one readable line', async () => {
  const sandbox = new Sandbox();
  const { url, output } = await startPlain(sandbox, await copyEnvironment(sandbox));
  await request(`${url}/profile?q=1`);
  await request(`${url}/missing`);
  const lines = await waitFor(() => {
    const found = output().trimEnd().split('\n');
    return found.length >= 3 && found;
  });
  expect(lines).toEqual([
    expect.stringMatching(/listening at/),
    expect.stringMatching(/^\d\d:\d\d:\d\d GET \/profile\?q=1 200 \d+ ms$/),
    expect.stringMatching(/^\d\d:\d\d:\d\d GET \/missing 404 \d+ ms$/),
  ]);
});

test('in production each request is logged as one line of JSON, without cookies or credentials', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const env = { NODE_ENV: 'production', TRUST_PROXY: '1' };
  const { url, output } = await startPlain(sandbox, directory, { env });
  const https = { 'X-Forwarded-Proto': 'https' };
  const { cookie } = await request(`${url}/`, https);
  await request(`${url}/profile`, {
    ...https,
    Cookie: cookie,
    Authorization: 'Bearer opensesame',
    'Proxy-Authorization': 'Basic opensesame',
  });
  const lines = await waitFor(() => {
    const found = output().trimEnd().split('\n');
    return found.length >= 3 && found.map((line) => JSON.parse(line));
  });
  expect(lines).toHaveLength(3);
  expect(lines[1]).toMatchObject({
    level: 30,
    msg: 'request completed',
    req: { method: 'GET', url: '/' },
    res: { statusCode: 200 },
  });
  for (const word of ['opensesame', 's%3A', 's:']) expect(output()).not.toContain(word);
});

test('a log line of a handler contains its request', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  await addRoutes(directory, "app.get('/say', (req, res) => { req.log.info({ a: 1 }, 'said'); res.send(); });");
  const { url, output } = await startPlain(sandbox, directory, { env: { NODE_ENV: 'production' } });
  await request(`${url}/say?first`);
  await request(`${url}/say?second`, { Authorization: 'Bearer opensesame' });
  const lines = await waitFor(() => {
    const said = output()
      .split('\n')
      .filter((line) => line.includes('"msg":"said"'));
    return said.length === 2 && said.map((line) => JSON.parse(line));
  });
  expect(lines).toMatchObject([
    { a: 1, req: { id: 1, method: 'GET', url: '/say?first' } },
    { a: 1, req: { id: 2, method: 'GET', url: '/say?second' } },
  ]);
  expect(output()).not.toContain('opensesame');
});

test('a request whose client disconnects before the response is logged as aborted', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const slow = "console.log('it began'); setTimeout(() => res.send('late'), 5000);";
  await addRoutes(directory, `app.get('/slow', (req, res) => { ${slow} });`);
  const { url, output } = await startPlain(sandbox, directory);
  const client = new AbortController();
  const aborted = expect(fetch(`${url}/slow`, { signal: client.signal })).rejects.toThrow();
  await waitFor(() => output().includes('it began'));
  client.abort();
  await aborted;
  await waitFor(() => /GET \/slow aborted \d+ ms$/m.test(output()));
});

test.each(['development', 'production'])('in %s no control characters of a client reach the log', async (mode) => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  await addRoutes(directory, "app.get('/say', (req) => { throw new Error(req.get('user-agent')); });");
  const { url, output } = await startPlain(sandbox, directory, { env: { NODE_ENV: mode } });
  await request(`${url}/say`, { 'User-Agent': 'a\u0080\u009b2Jz' });
  await waitFor(() => /GET \/say 500|request completed/.test(output()));
  expect(output()).toContain(String.raw`a\u0080\u009b2Jz`);
  expect(output()).not.toMatch(/[^\P{Cc}\n]/u);
});

test.each(['development', 'production'])(
  'in %s no output, and no file except .env, contains the secret or a session id',
  async (mode) => {
    const sandbox = new Sandbox();
    const directory = await copyEnvironment(sandbox);
    await addRoutes(directory, "app.get('/fail', (req) => { req.session.a = 1; throw new Error('x'); });");
    const env = { NODE_ENV: mode, TRUST_PROXY: '1' };
    const { url, output, child } = await startPlain(sandbox, directory, { env });
    const https = { 'X-Forwarded-Proto': 'https' };
    const { cookie } = await request(`${url}/fail`, https);
    await request(`${url}/fail`, { ...https, Cookie: cookie });
    child.kill('SIGTERM');
    await waitFor(() => child.exitCode !== null);
    const id =
      decodeURIComponent(cookie.split('=')[1] ?? '')
        .slice(2)
        .split('.')[0] ?? '';
    const secret = /^SESSION_SECRET=(.+)$/m.exec(await readFile(join(directory, '.env'), 'utf8'))?.[1] ?? '';
    expect([id.length, secret.length]).toEqual([43, 43]);
    const files = (await readdir(directory, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile() && entry.name !== '.env')
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !path.includes('node_modules'));
    const store = await Promise.all(files.map((path) => readFile(path, 'latin1')));
    expect(store.join('')).toContain(createHash('sha256').update(id).digest('base64url'));
    for (const word of [id, secret, cookie]) {
      expect(output()).not.toContain(word);
      expect(store.filter((content) => content.includes(word))).toEqual([]);
    }
  },
);

test.each(['development', 'production'])('in %s a server whose log cannot be written keeps running', async (mode) => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const { url, child } = await startPlain(sandbox, directory, { env: { NODE_ENV: mode } });
  child.stdout?.destroy();
  child.stderr?.destroy();
  for (let count = 0; count < 3; count += 1) expect((await request(`${url}/`)).status).toBe(200);
  expect(child.exitCode).toBeNull();
});

test('a full disk for the log does not stop the server', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const script = 'exec node server.js > /dev/full';
  const port = await freePort();
  const child = sandbox.spawn('sh', ['-c', script], { cwd: directory, env: { PORT: String(port) } });
  const statusOf = () =>
    request(`http://localhost:${port}/profile`).then(
      ({ status }) => status,
      () => undefined,
    );
  expect(await waitFor(async () => child.exitCode ?? (await statusOf()))).toBe(200);
  // The line of the first request could not be written either.
  expect(await statusOf()).toBe(200);
});

const longPath = `/${'x'.repeat(15_000)}`;
const bytesPerRequest = 4096;

test.each(['production', 'development'])('in %s a long URL is logged once, and truncated', async (mode) => {
  const sandbox = new Sandbox();
  const { url, output } = await startPlain(sandbox, await copyEnvironment(sandbox), { env: { NODE_ENV: mode } });
  const before = output().length;
  const texts = { 'User-Agent': 'u'.repeat(5000), Cookie: 'c'.repeat(5000) };
  expect((await request(url + longPath, texts)).status).toBe(431);
  for (const path of [longPath, `/${'y'.repeat(3000)}`]) expect((await request(url + path)).status).toBe(404);
  await request(`${url}/profile`, { 'User-Agent': 'u'.repeat(9000) });
  await waitFor(() => output().includes('/profile'));
  const lines = output().slice(before).trimEnd().split('\n');
  expect(lines).toHaveLength(3);
  for (const line of lines) expect(line.length).toBeLessThan(bytesPerRequest);
  expect(lines[0]).toContain('(15001 characters)');
  expect(lines[0]?.match(/\/xxx/g)).toHaveLength(1);
  expect(lines[1]?.match(/\/yyy/g)).toHaveLength(1);
});

test.each<[what: string, statement: string]>([
  ['an error that contains data of the client', 'throw new Error(req.url);'],
  ['a text of the application', "req.log.info('x'.repeat(1e6)); res.send();"],
  ['a field of the application', "req.log.info({ body: 'x'.repeat(1e6) }, 'said'); res.send();"],
  [
    'very many fields',
    'req.log.info(Object.fromEntries(Array.from({ length: 1e5 }, (_, n) => [n, n])), "said"); res.send();',
  ],
])('the length of a log line is limited: %s', async (_, statement) => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  await addRoutes(directory, `app.get('/say', (req, res) => { ${statement} });`);
  const { url, output } = await startPlain(sandbox, directory, { env: { NODE_ENV: 'production' } });
  await request(`${url}/say?${'x'.repeat(14_000)}`);
  await request(`${url}/ok`);
  await waitFor(() => output().includes('"url":"/ok"'));
  for (const line of output().trimEnd().split('\n')) {
    expect(JSON.parse(line)).toMatchObject({ level: expect.any(Number), msg: expect.any(String) });
    expect(line.length).toBeLessThan(20_000);
  }
});

test('log lines that are not read are dropped and counted, and do not fill the memory', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const noise = "for (let n = 0; n < 1000; n += 1) req.log.info({ noise: 'x'.repeat(900) }, 'noise');";
  await addRoutes(directory, `app.get('/noise', (req, res) => { ${noise} res.send(); });`);
  const port = await freePort();
  const env = { NODE_ENV: 'production', PORT: String(port) };
  const child = sandbox.spawn(process.execPath, ['server.js'], { cwd: directory, env });
  const url = `http://localhost:${port}`;
  await waitFor(() =>
    request(`${url}/ok`).then(
      () => true,
      () => false,
    ),
  );
  // Each request logs about a megabyte.
  for (let n = 0; n < 8; n += 1) await request(`${url}/noise`);
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const dropped = await waitFor(() => /"lines":(\d+),"msg":"log lines were dropped/.exec(output)?.[1]);
  const written = output.match(/"msg":"noise"/g)?.length ?? 0;
  expect(Number(dropped)).toBeGreaterThan(4000);
  expect(written + Number(dropped)).toBeGreaterThanOrEqual(8000);
  await request(`${url}/ok?again`);
  await waitFor(() => output.includes('/ok?again'));
});
