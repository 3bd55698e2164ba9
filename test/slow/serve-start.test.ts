import { once } from 'node:events';
import { appendFile, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { finish, type Result, Sandbox } from '../support/sandbox.ts';
import { addRoutes, copyEnvironment, request, serve, startPlain } from '../support/server.ts';

const good = 'k3'.repeat(3) + Buffer.from('0123456789abcdefghijklmnopqrstuv').toString('base64url');

const shared = new Sandbox(afterAll);
let bare: string;

beforeAll(async () => {
  bare = await copyEnvironment(shared);
  await rm(join(bare, '.env'));
});

function startRefused(env: NodeJS.ProcessEnv, directory = bare, sandbox = shared): Promise<Result> {
  return finish(sandbox.spawn(process.execPath, ['server.js'], { cwd: directory, env: { PORT: '0', ...env } }));
}

function expectRefusal({ exitCode, stdout, stderr }: Result, fact: RegExp): void {
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toMatch(fact);
  expect(stderr).not.toMatch(/\n\s+at /);
}

const remedy = /sessapp secret rotate.*SESSION_SECRET/s;
/** `secret rotate` changes only .env, so it cannot be the remedy for an environment variable. */
const variableRemedy = /set in the environment variables and overrides \.env\. Unset it to use \.env, or set it to 32/;

test.each([
  ['no secret', undefined, /SESSION_SECRET is not set/],
  ['an empty secret', '', /SESSION_SECRET is not set/],
  ['only commas as secrets', ' , ,', /SESSION_SECRET contains no secret/],
  ['a short secret', 'abcdefghijklmnopqrstuvwxyz01234', /31 bytes; it needs 32/],
  ['a placeholder as secret', 'change-me-0123456789abcdefghijklmnop', /placeholder/],
  ['a secret of few characters', 'abababababababababababababababababab', /placeholder/],
  ['a short older secret', `${good},tooshort`, /value number 2 has 8 bytes/],
])('with %s the server does not start, says what to do, and does not print the secret', async (_, secret, fact) => {
  const result = await startRefused({ SESSION_SECRET: secret });
  expectRefusal(result, fact);
  expect(result.stderr).toMatch(secret ? variableRemedy : remedy);
  for (const part of (secret ?? '').split(',').filter((text) => text.trim() !== ''))
    expect(result.stderr).not.toContain(part);
});

test('serve reports the same error as the server, as text and as JSON, and runs with a valid secret', async () => {
  const text = await shared.sessapp(['serve', bare]);
  expectRefusal(text, /^error: SESSION_SECRET is not set/);
  expect(text.stderr).toMatch(remedy);
  const env = { SESSION_SECRET: 'tooshort' };
  const json = await shared.sessapp(['serve', bare, '--json'], { env });
  expect(json).toMatchObject({ exitCode: 1, stderr: '' });
  expect(JSON.parse(json.stdout)).toEqual({
    version: 1,
    error: {
      code: 'secret-short',
      message: expect.stringMatching(/8 bytes/),
      hint: expect.stringMatching(variableRemedy),
    },
  });
  const { url } = await startPlain(shared, bare, { env: { SESSION_SECRET: `${good}, ${good}x` } });
  expect((await request(`${url}/`)).status).toBe(200);
});

test('a .env with a byte order mark is read', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  await writeFile(join(directory, '.env'), `\ufeff${await readFile(join(directory, '.env'), 'utf8')}`);
  const { url } = await startPlain(sandbox, directory);
  expect((await request(`${url}/`)).status).toBe(200);
});

test.each<[string, (path: string) => Promise<unknown>, RegExp]>([
  ['in UTF-16', (path) => writeFile(path, `SESSION_SECRET=${good}`, 'utf16le'), /\.env in .* is not in UTF-8/],
  ['in Latin-1', (path) => writeFile(path, `NAME=\xe9\nSESSION_SECRET=${good}`, 'latin1'), /is not in UTF-8/],
  ['that is a directory', (path) => mkdir(path), /\.env cannot be read \(it is not a file\)/],
])('a .env %s is refused without a stack, even if the secret is an environment variable', async (_, write, fact) => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  await rm(join(directory, '.env'));
  await write(join(directory, '.env'));
  expectRefusal(await startRefused({ SESSION_SECRET: good }, directory, sandbox), fact);
});

test('brackets around the address in HOST are ignored', async () => {
  const { url } = await startPlain(shared, bare, { env: { SESSION_SECRET: good, HOST: '[127.0.0.1]' } });
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:/);
});

test.each([
  [{ PORT: 'http' }, /PORT is 'http'/],
  [{ PORT: '65536' }, /PORT is '65536'/],
  [{ PORT: '-1' }, /PORT is '-1'/],
  [{ PORT: '80.5' }, /PORT is '80.5'/],
  [{ TRUST_PROXY: 'true' }, /TRUST_PROXY is 'true'/],
  [{ TRUST_PROXY: '-1' }, /TRUST_PROXY is '-1'/],
  [{ METRICS_PORT: 'on' }, /METRICS_PORT is 'on', which is not a valid port/],
  ...['0', '-1', '1.5', '3601', '65s'].map((KEEP_ALIVE): [object, RegExp] => [
    { KEEP_ALIVE },
    /KEEP_ALIVE is '.*', which/,
  ]),
  ...['0', '257', '-1', '1.5', 'two'].map((WORKERS): [object, RegExp] => [
    { WORKERS },
    /WORKERS is '.*', which is not a valid number/,
  ]),
  [{ HOST: 'nowhere.invalid' }, /does not have the address 'nowhere.invalid'/],
  [{ HOST: '192.0.2.1' }, /does not have the address '192.0.2.1'/],
])('%j is refused, and the message says what is wrong and what to set', async (env, fact) => {
  expectRefusal(await startRefused({ SESSION_SECRET: good, ...env }), fact);
});

test.each([
  ['sessapp.json', undefined, /There is no sessapp.json/],
  ['sessapp.json', '{ "format": 1,', /sessapp\.json is not what sessapp wrote/],
  ['sessapp.json', 'null', /sessapp\.json is not what sessapp wrote/],
  ['package-lock.json', '{', /package-lock.json is not JSON/],
])('when %s contains %j, node server.js reports it without a stack', async (name, content, fact) => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  await rm(join(directory, name));
  if (content !== undefined) await writeFile(join(directory, name), content);
  expectRefusal(await startRefused({}, directory, sandbox), fact);
});

test('an environment variable overrides .env, unless it is empty', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  await appendFile(join(directory, '.env'), 'HOST=nowhere.invalid\nTRUST_PROXY=nonsense\n');
  const env = { HOST: '127.0.0.1', TRUST_PROXY: '1', SESSION_SECRET: '' };
  const { url } = await startPlain(sandbox, directory, { env });
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect((await request(`${url}/profile`)).status).toBe(200);
});

test('the server uses the port of .env, and the environment variable PORT overrides it', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  await appendFile(join(directory, '.env'), 'PORT=nonsense\n');
  const env = { PORT: undefined };
  const refused = await sandbox.sessapp(['serve', directory], { env });
  expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("PORT is 'nonsense'") });
  const { url } = await startPlain(sandbox, directory, { env: { PORT: '0' } });
  expect((await request(`${url}/profile`)).status).toBe(200);
});

test.each([
  ['a dependency', 'express', 'a directory above'],
  ['a dependency’s own dependency', 'body-parser', 'a directory above'],
  ['a dependency’s own dependency', 'body-parser', 'NODE_PATH'],
  ['a binary that is optional', `@lmdb/lmdb-${process.platform}-${process.arch}`, 'a directory above'],
])('%s (%s) that exists only in %s is refused', async (_, name, place) => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const outside = sandbox.path(place === 'NODE_PATH' ? 'elsewhere' : 'node_modules');
  await finish(sandbox.spawn('cp', ['-al', join(directory, 'node_modules'), outside]));
  await rm(join(directory, 'node_modules', name), { recursive: true });
  const result = await startRefused(place === 'NODE_PATH' ? { NODE_PATH: outside } : {}, directory, sandbox);
  expectRefusal(result, new RegExp(`The package ${name} is not in this environment[.:].*sessapp install`, 's'));
});

test('a package that is a symbolic link to a directory outside is refused', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  await rename(join(directory, 'node_modules', 'helmet'), sandbox.path('helmet'));
  await symlink(sandbox.path('helmet'), join(directory, 'node_modules', 'helmet'));
  expectRefusal(await startRefused({}, directory, sandbox), /The package helmet is not .*: it is at .*\/helmet\./);
});

test('the server starts with packages without an entry point, and in a directory with special characters', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox, "my env's $(x) #%41;é한");
  const manifest = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8'));
  manifest.dependencies['only-styles'] = '1.0.0';
  await writeFile(join(directory, 'package.json'), JSON.stringify(manifest));
  await mkdir(join(directory, 'node_modules', 'only-styles'));
  await writeFile(join(directory, 'node_modules', 'only-styles', 'package.json'), '{"name":"only-styles"}');
  const { url } = await startPlain(sandbox, directory);
  expect((await request(`${url}/profile`)).status).toBe(200);
});

test('when the port is in use, the message names it, and says how to choose another', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const { port } = holder.address() as { port: number };
  try {
    const env = { PORT: String(port) };
    const plain = await finish(sandbox.spawn(process.execPath, ['server.js'], { cwd: directory, env }));
    const served = await sandbox.sessapp(['serve', directory, '--port', String(port)]);
    for (const { exitCode, stderr } of [plain, served]) {
      expect(exitCode).toBe(1);
      expect(stderr).toContain(`Port ${port} of localhost is in use by another program.`);
      expect(stderr).toContain(`--port ${port + 1}`);
    }
  } finally {
    holder.close();
  }
});

test('routes() can be asynchronous', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const late =
    "await new Promise((resolve) => setTimeout(resolve, 50));\n  app.get('/late', (_, res) => res.send('late'));";
  await writeFile(join(directory, 'app.js'), `export async function routes(app) {\n  ${late}\n}\n`);
  const { url } = await startPlain(sandbox, directory);
  expect((await request(`${url}/late`)).body).toBe('late');
});

test.each([[[]], [['--workers', '1']]])(
  'serve ignores messages that the application sends to its parent process, as for PM2: %j',
  async (args) => {
    const sandbox = new Sandbox();
    const directory = await copyEnvironment(sandbox);
    await addRoutes(directory, "for (const message of ['ready', { type: 'ready' }, null, 7]) process.send?.(message);");
    const { url, child } = await serve(sandbox, directory, args);
    expect((await request(`${url}/ok`)).body).toBe('ok');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  },
);
