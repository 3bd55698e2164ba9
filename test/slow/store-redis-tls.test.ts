import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { open } from '../../src/stores/redis/driver.ts';
import { record } from '../stores/contract-support.ts';
import { isInstalled } from '../support/programs.ts';
import { RedisServer, redisPrograms, sendTo, skipMissingPrograms } from '../support/redis-server.ts';
import { Sandbox } from '../support/sandbox.ts';

skipMissingPrograms('the redis driver over TLS');

const missing = isInstalled('openssl') ? '' : ' (not installed: apt install openssl)';

/** A TLS proxy in front of a server. */
interface Front {
  port: number;
  /** The server name (SNI) of each connection; false for none. */
  names: (string | false)[];
}

describe.skipIf(missing).each(redisPrograms)(`on %s over TLS${missing}`, (program) => {
  test.each([
    ['localhost', 'localhost'],
    ['127.0.0.1', false],
  ])('a connection to %s sends the server name: %s', async (host, name) => {
    const server = await startServer(program);
    const front = await openFront(server.port);
    await useStore(`rediss://${host}:${front.port}`);
    expect(front.names).toEqual([name]);
  });

  test('a connection to a cluster node sends the name that the cluster reports for it', async () => {
    const server = await startServer(program, '--cluster-enabled', 'yes');
    const front = await openFront(server.port);
    const announced = { hostname: 'localhost', port: front.port };
    for (const [name, value] of Object.entries(announced)) await set(server, `cluster-announce-${name} ${value}`);
    await set(server, 'cluster-preferred-endpoint-type hostname');
    await sendTo(server, 'CLUSTER ADDSLOTSRANGE 0 16383');
    await expect.poll(() => sendTo(server, 'CLUSTER INFO'), { timeout: 10_000 }).toContain('cluster_state:ok');
    await useStore(`rediss://127.0.0.1:${front.port}`);
    expect(front.names.at(0)).toBe(false);
    expect(front.names.at(-1)).toBe('localhost');
  });
});

async function startServer(program: string, ...args: string[]): Promise<RedisServer> {
  const server = await new RedisServer(program, ...args).start();
  onTestFinished(() => server.remove());
  return server;
}

async function set(server: RedisServer, setting: string): Promise<void> {
  expect(await sendTo(server, `CONFIG SET ${setting}`)).toBe('+OK\r\n');
}

async function useStore(url: string): Promise<void> {
  // Node.js 20 cannot trust a certificate that is created while it runs.
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  const driver = await open(url, 'environment');
  onTestFinished(async () => {
    await driver.close();
    vi.unstubAllEnvs();
  });
  expect(await driver.create('a', record())).toBe(true);
}

async function openFront(to: number): Promise<Front> {
  const names: Front['names'] = [];
  const server = createServer(await createCertificate(), (socket) => {
    names.push((socket as TLSSocket & { servername: string | false }).servername);
    const onward = connect(to, '127.0.0.1');
    socket.pipe(onward).pipe(socket);
    for (const end of [socket, onward]) end.on('error', () => end.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, names };
}

async function createCertificate(): Promise<{ key: string; cert: string }> {
  const sandbox = new Sandbox();
  const [key, cert] = [sandbox.path('key.pem'), sandbox.path('certificate.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const args = ['req', '-x509', ...curve, '-subj', '/CN=localhost', '-keyout', key, '-out', cert];
  execFileSync('openssl', args, { stdio: 'ignore' });
  return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
}
