import { appendFile, cp, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { finish, Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, request, startPlain } from '../support/server.ts';

const good = 'k3'.repeat(3) + Buffer.from('0123456789abcdefghijklmnopqrstuv').toString('base64url');

test.each([
  ['none', undefined, 'secret-missing', /SESSION_SECRET is not set/],
  ['an empty one', '', 'secret-missing', /SESSION_SECRET is not set/],
  ['only commas', ' , ,', 'secret-missing', /SESSION_SECRET is not set/],
  ['a short one', 'abcdefghijklmnopqrstuvwxyz01234', 'secret-short', /31 bytes; it needs 32/],
  ['a placeholder', 'change-me-0123456789abcdefghijklmnop', 'secret-placeholder', /placeholder/],
  ['one of few characters', 'abababababababababababababababababab', 'secret-placeholder', /placeholder/],
  ['a short older one', `${good},tooshort`, 'secret-short', /value number 2 has 8 bytes/],
])(
  'with %s for a secret the server refuses, names the remedy and the variable, and shows no secret',
  async (_, secret, code, fact) => {
    const sandbox = new Sandbox();
    const directory = await copyEnvironment(sandbox);
    await writeFile(join(directory, '.env'), secret === undefined ? '' : `SESSION_SECRET='${secret}'\n`);
    const plain = await finish(sandbox.spawn(process.execPath, ['server.js'], { cwd: directory, env: { PORT: '0' } }));
    const served = await sandbox.sessapp(['serve', directory]);
    const json = await sandbox.sessapp(['serve', directory, '--json']);
    for (const { exitCode, stdout, stderr } of [plain, served]) {
      expect(exitCode).toBe(1);
      expect(stdout).toBe('');
      expect(stderr).toMatch(fact);
      expect(stderr).toMatch(/sessapp secret rotate.*SESSION_SECRET/s);
      expect(stderr).not.toMatch(/\n\s+at /);
    }
    expect(json.exitCode).toBe(1);
    expect(JSON.parse(json.stdout).error).toMatchObject({ code, message: expect.stringMatching(fact) });
    for (const { stdout, stderr } of [plain, served, json]) {
      for (const part of (secret ?? '').split(',').filter((text) => text.trim() !== '')) {
        expect(stdout + stderr).not.toContain(part);
      }
    }
  },
);

test.each([
  [{ PORT: 'http' }, 'bad-port', /PORT is 'http'/],
  [{ PORT: '65536' }, 'bad-port', /PORT is '65536'/],
  [{ PORT: '-1' }, 'bad-port', /PORT is '-1'/],
  [{ PORT: '80.5' }, 'bad-port', /PORT is '80.5'/],
  [{ TRUST_PROXY: 'true' }, 'bad-trust-proxy', /TRUST_PROXY is 'true'/],
  [{ TRUST_PROXY: '-1' }, 'bad-trust-proxy', /TRUST_PROXY is '-1'/],
  [{ HOST: 'nowhere.invalid' }, 'bad-host', /no address 'nowhere.invalid'/],
  [{ HOST: '192.0.2.1' }, 'bad-host', /no address '192.0.2.1'/],
])('%j is refused with what is wrong and what to give', async (env, code, fact) => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const plain = await finish(
    sandbox.spawn(process.execPath, ['server.js'], { cwd: directory, env: { PORT: '0', ...env } }),
  );
  const served = await sandbox.sessapp(['serve', directory, '--json'], { env: { PORT: '0', ...env } });
  expect(plain).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringMatching(fact) });
  expect(plain.stderr).not.toMatch(/\n\s+at /);
  expect(served.exitCode).toBe(1);
  expect(JSON.parse(served.stdout).error).toEqual({
    code,
    message: expect.stringMatching(fact),
    hint: expect.any(String),
  });
});

test.each([
  ['sessapp.json', undefined, /There is no sessapp.json/],
  ['sessapp.json', '{ "format": 1,', /sessapp.json in .* is not what sessapp wrote/],
  ['sessapp.json', 'null', /sessapp.json in .* is not what sessapp wrote/],
  ['package-lock.json', '{', /package-lock.json is not JSON/],
])('with %s holding %j, node server.js says so without a stack', async (name, content, fact) => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  await rm(join(directory, name));
  if (content !== undefined) await writeFile(join(directory, name), content);
  const result = await finish(sandbox.spawn(process.execPath, ['server.js'], { cwd: directory, env: { PORT: '0' } }));
  expect(result).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringMatching(fact) });
  expect(result.stderr).not.toMatch(/\n\s+at /);
});

test('a variable of the real environment beats .env, and one that is empty does not', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  await appendFile(join(directory, '.env'), 'HOST=nowhere.invalid\nTRUST_PROXY=nonsense\n');
  const env = { HOST: '127.0.0.1', TRUST_PROXY: '1', SESSION_SECRET: '' };
  const { url } = await startPlain(sandbox, directory, { env });
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect((await request(`${url}/profile`)).status).toBe(200);
});

test('what .env says of the port counts, and --port beats it', async () => {
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
])('%s, %s, that only %s has is refused', async (_, name, place) => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const outside = sandbox.path(place === 'NODE_PATH' ? 'elsewhere' : 'node_modules');
  await mkdir(outside);
  await cp(join(directory, 'node_modules'), outside, { recursive: true });
  await rm(join(directory, 'node_modules', name), { recursive: true });
  const env = { PORT: '0', ...(place === 'NODE_PATH' && { NODE_PATH: outside }) };
  const result = await finish(sandbox.spawn(process.execPath, ['server.js'], { cwd: directory, env }));
  expect(result).toMatchObject({ exitCode: 1, stdout: '' });
  expect(result.stderr).toContain(`The package ${name} is not in this environment.`);
  expect(result.stderr).toContain('sessapp install');
});

test('a package that is a link to a place outside is refused', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  await rename(join(directory, 'node_modules', 'helmet'), sandbox.path('helmet'));
  await symlink(sandbox.path('helmet'), join(directory, 'node_modules', 'helmet'));
  const result = await finish(sandbox.spawn(process.execPath, ['server.js'], { cwd: directory, env: { PORT: '0' } }));
  expect(result).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(`it is at ${sandbox.path('helmet')}`) });
});

test('packages without an entry point, and in a directory with a hostile name, do not stop the server', async () => {
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

test('a port that another program has is named, together with how to choose another', async () => {
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
