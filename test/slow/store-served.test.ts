import { type ChildProcess, execFileSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { isInstalled } from '../support/programs.ts';
import { freePort, RedisServer, redisPrograms, skipMissingPrograms } from '../support/redis-server.ts';
import { Sandbox } from '../support/sandbox.ts';
import { request, serve, startPlain, waitFor } from '../support/server.ts';

const password = 'p4ssw0rd-of-redis';
const english = { 'Accept-Language': 'en' };

skipMissingPrograms('an environment with its sessions in Redis');

describe.each(redisPrograms)('an environment with its sessions in %s', (program) => {
  const shared = new Sandbox(afterAll);
  let store: RedisServer;
  let environment: string;

  beforeAll(async () => {
    store = await new RedisServer(program, '--appendonly', 'yes', '--requirepass', password).start();
    environment = await make('shop');
  });

  afterAll(() => store.remove());

  async function make(name: string): Promise<string> {
    const env = { STORE_URL: store.url.replace('//', `//:${password}@`) };
    expect(await shared.sessapp(['init', name, '--store', 'redis'], { env })).toMatchObject({ exitCode: 0 });
    return shared.path(name);
  }

  async function kill({ child }: { child: ChildProcess }): Promise<void> {
    child.kill('SIGTERM');
    await waitFor(() => child.exitCode !== null);
  }

  const stats = async (directory: string): Promise<unknown> => {
    const { stdout } = await shared.sessapp(['sessions', 'stats', '-e', directory, '--json']);
    return JSON.parse(stdout);
  };

  test('has only its driver installed', async () => {
    const installed = await readdir(join(environment, 'node_modules'));
    expect(installed).toContain('redis');
    expect(installed.filter((name) => ['lmdb', '@lmdb', 'pg'].includes(name))).toEqual([]);
    expect(await readdir(environment)).not.toContain('data');
  });

  test('keeps them over a restart, and does not see the sessions of another environment', async () => {
    const first = await serve(shared, environment);
    const { cookie } = await request(first.url);
    await kill(first);
    const second = await serve(shared, environment);
    onTestFinished(() => kill(second));
    expect((await request(`${second.url}/profile`, { ...english, Cookie: cookie })).body).toMatch(/guest/);
    await make('other');
    expect(await stats(environment)).toMatchObject({ sessions: 1, anonymous: 0, expired: 0 });
    expect(await stats(shared.path('other'))).toMatchObject({ sessions: 0, expired: 0 });
  });

  test('does not reveal its password: not in info, not in the list of processes, not in an error', async () => {
    const server = await serve(shared, environment);
    onTestFinished(() => kill(server));
    const outputs = [
      await shared.sessapp(['info', environment, '--json']),
      await shared.sessapp(['info', environment]),
      await shared.sessapp(['sessions', 'stats', '-e', environment], {
        env: { STORE_URL: `redis://:${password}@127.0.0.1:1` },
      }),
      await shared.sessapp(['sessions', 'stats', '-e', environment], { env: { STORE_URL: `redis//:${password}@a` } }),
    ];
    expect(outputs.map(({ exitCode }) => exitCode)).toEqual([0, 0, 1, 1]);
    expect(outputs[2]?.stderr).toMatch(/127\.0\.0\.1:1: connect ECONNREFUSED/);
    expect(outputs[3]?.stderr).toMatch(/STORE_URL does not begin with redis:.*\n.*STORE_URL=redis:\/\/localhost:6379/);
    for (const { stdout, stderr } of outputs) expect(stdout + stderr).not.toContain(password);
    for (const process of [server.pid, server.child.pid]) {
      expect(await readFile(`/proc/${process}/cmdline`, 'utf8')).not.toContain(password);
    }
  });

  test.skipIf(!isInstalled('openssl'))(
    'connects over TLS, and does not connect when it cannot verify the certificate',
    async () => {
      const sandbox = new Sandbox();
      const [key, certificate] = [sandbox.path('key.pem'), sandbox.path('certificate.pem')];
      const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
      const files = ['-keyout', key, '-out', certificate];
      execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject, ...files], {
        stdio: 'ignore',
      });
      const port = await freePort();
      const tls = {
        port,
        'cert-file': certificate,
        'key-file': key,
        'ca-cert-file': certificate,
        'auth-clients': 'no',
      };
      const args = Object.entries(tls).flatMap(([name, value]) => [`--tls-${name}`, String(value)]);
      const secure = await new RedisServer(program, ...args, '--requirepass', password).start();
      onTestFinished(() => secure.remove());
      const env = { STORE_URL: `rediss://:${password}@localhost:${port}` };
      const trusting = await startPlain(sandbox, environment, { env: { ...env, NODE_EXTRA_CA_CERTS: certificate } });
      expect((await request(trusting.url)).status).toBe(200);
      const strange = await startPlain(sandbox, environment, { env });
      expect((await request(strange.url)).status).toBe(503);
      await waitFor(() => /requests get a 503: .*certificate/.test(strange.output()));
      expect(trusting.output() + strange.output()).not.toContain(password);
    },
  );
});
