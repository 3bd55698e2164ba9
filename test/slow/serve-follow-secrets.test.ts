import { appendFile, readFile, rename, writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { watchSecrets } from '../../src/settings/watch-secrets.ts';
import { ask } from '../support/load.ts';
import { Sandbox } from '../support/sandbox.ts';
import { addRoutes, copyEnvironment, request, startPlain, waitFor } from '../support/server.ts';

const guest = '현재 유저는 guest입니다.\n';
const nobody = '현재 유저가 없습니다.\n';
const secretOf = (seed: string): string => Buffer.alloc(32, `${seed}0123456789abcdef`).toString('base64url');

async function profile(url: string, cookie: string) {
  return request(`${url}/profile`, { Cookie: cookie });
}

test('a running server applies a change of .env within 2 s, and serves every request meanwhile', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const path = join(directory, '.env');
  const { url, output } = await startPlain(sandbox, directory);
  const { cookie } = await request(`${url}/`);
  const old = /SESSION_SECRET=(\S+)/.exec(await readFile(path, 'utf8'))?.[1] ?? '';
  const newer = secretOf('n');

  await writeFile(`${path}.new`, `SESSION_SECRET=${newer},${old}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
  const resigned = await waitFor(async () => {
    const response = await profile(url, cookie);
    expect([response.status, response.body]).toEqual([200, guest]);
    return response.cookie !== '' && response.cookie;
  }, 2000);

  await writeFile(path, `SESSION_SECRET=${newer}\n`);
  await waitFor(async () => {
    expect((await profile(url, resigned)).body).toBe(guest);
    return (await profile(url, cookie)).body === nobody;
  }, 2000);
  for (const secret of [old, newer]) expect(output()).not.toContain(secret);
});

test('every process of an environment knows a session while the processes learn a new secret one by one', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const path = join(directory, '.env');
  const first = await startPlain(sandbox, directory);
  // Start later, so that the processes do not read .env at the same time.
  await wait(500);
  const second = await startPlain(sandbox, directory);
  const signedBy = secretOf('n');
  const old = /SESSION_SECRET=(\S+)/.exec(await readFile(path, 'utf8'))?.[1] ?? '';
  let { cookie } = await request(`${first.url}/`);
  const given = cookie;
  await writeFile(`${path}.new`, `SESSION_SECRET=${signedBy},${old}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
  const changedMs = Date.now();
  while (Date.now() - changedMs < 2500) {
    for (const { url } of [first, second]) {
      const response = await profile(url, cookie);
      expect(response.body).toBe(guest);
      cookie = response.cookie || cookie;
    }
    await wait(20);
  }
  expect(cookie).not.toBe(given);
});

/** Puts a new secret before the known ones, atomically, as `secret rotate` does. */
async function rotate(directory: string, secret: string): Promise<void> {
  const path = join(directory, '.env');
  const old = /SESSION_SECRET=(\S+)/.exec(await readFile(path, 'utf8'))?.[1] ?? '';
  await writeFile(`${path}.new`, `SESSION_SECRET=${secret},${old}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

const routes = `
  app.get('/name', (req, res) => res.send(req.session.username ?? 'nobody'));
  app.get('/login', (req, res) => {
    req.session.username = 'ann';
    res.send();
  });`;

test.each([1600, 4000])(
  'a process that was blocked for %i ms during a rotation verifies a cookie that was signed meanwhile',
  async (ms) => {
    const sandbox = new Sandbox();
    const directory = await copyEnvironment(sandbox);
    const block = `
      app.get('/block', (req, res) => {
        console.log('blocked');
        for (const end = Date.now() + ${ms}; Date.now() < end; );
        res.send();
      });`;
    await addRoutes(directory, routes + block);
    const first = await startPlain(sandbox, directory);
    const blocked = await startPlain(sandbox, directory);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const { cookie: old } = await request(`${first.url}/login`);
    await ask(`${blocked.url}/name`, agent, { Cookie: old });
    const blocking = request(`${blocked.url}/block`);
    await waitFor(() => blocked.output().includes('blocked'));
    await rotate(directory, secretOf('n'));
    const signed = await waitFor(async () => (await request(`${first.url}/name`, { Cookie: old })).cookie || undefined);
    const response = await ask(`${blocked.url}/name`, agent, { Cookie: signed });
    agent.destroy();
    await blocking;
    expect(response.body).toBe('ann');
  },
);

test('a rotation is applied later when .env cannot be read at first, because all descriptors are in use', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const exhaust = `
    app.get('/exhaust', (req, res) => {
      const opened = [];
      const take = () => {
        try {
          for (;;) opened.push(openSync('/dev/null'));
        } catch (error) {
          console.log(error.code);
        }
      };
      const taking = setInterval(take, 5);
      setTimeout(() => {
        clearInterval(taking);
        for (const each of opened) closeSync(each);
        console.log('closed');
      }, 3000);
      res.send();
    });`;
  await addRoutes(directory, routes + exhaust);
  await appendFile(join(directory, 'app.js'), `import { closeSync, openSync } from 'node:fs';\n`);
  const command = `ulimit -n 200; exec "${process.execPath}" server.js`;
  const { url, output } = await startPlain(sandbox, directory, { cwd: directory }, ['sh', '-c', command]);
  const { cookie } = await request(`${url}/login`);
  await request(`${url}/exhaust`);
  await waitFor(() => output().includes('EMFILE'));
  await wait(100);
  await rotate(directory, secretOf('n'));
  await waitFor(() => output().includes('no usable session secret'));
  await waitFor(() => output().includes('closed'));
  const signed = await waitFor(async () => (await request(`${url}/name`, { Cookie: cookie })).cookie || undefined);
  expect((await request(`${url}/name`, { Cookie: signed })).body).toBe('ann');
  expect(output().match(/no usable session secret/g)).toHaveLength(1);
});

test('a .env without valid secrets is logged once, and changes nothing', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const { url, output } = await startPlain(sandbox, directory);
  const { cookie } = await request(`${url}/`);
  await writeFile(join(directory, '.env'), 'SESSION_SECRET=short\n');
  await waitFor(() => output().includes('no usable session secret'));
  await wait(1500);
  expect(output().match(/no usable session secret/g)).toHaveLength(1);
  expect((await profile(url, cookie)).body).toBe(guest);
});

test('the environment variable SESSION_SECRET overrides .env, even if .env changes later', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const { url } = await startPlain(sandbox, directory, { env: { SESSION_SECRET: secretOf('r') } });
  const { cookie } = await request(`${url}/`);
  await appendFile(join(directory, '.env'), `SESSION_SECRET=${secretOf('x')}\n`);
  await wait(2000);
  const response = await profile(url, cookie);
  expect([response.body, response.cookie]).toEqual([guest, '']);
});

test('a process that starts right after a rotation signs with the old secret, and a moment later with the new one', async () => {
  const sandbox = new Sandbox();
  const [old, newer] = [secretOf('o'), secretOf('n')];
  const log = { info: () => undefined, error: () => undefined };
  await writeFile(sandbox.path('.env'), `SESSION_SECRET=${newer},${old}\n`);
  const first = watchSecrets(sandbox.directory, {}, [newer, old], log);
  expect(first.list()).toEqual([old, newer]);
  await waitFor(() => first.list()[0] === newer);
  expect(first.list()).toEqual([newer, old]);
  const later = watchSecrets(sandbox.directory, {}, [newer, old], log);
  expect(later.list()).toEqual([newer, old]);
});
