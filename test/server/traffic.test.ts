import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { listen } from '../../src/server/listen.ts';
import { findFreePort } from '../support/server-programs.ts';

test('a connection without a request, opened before the server listened on all its addresses, does not delay a drain', async () => {
  const port = await findFreePort();
  const delays = [0, 300];
  const create = (): Server => {
    const server = createServer();
    const { listen: listenAtOnce } = server;
    const ms = delays.shift();
    server.listen = ((options: object) => {
      setTimeout(() => listenAtOnce.call(server, options), ms);
      return server;
    }) as never;
    return server;
  };
  const listening = listen(create, { host: 'localhost', port });
  await wait(100);
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  const { traffic } = await listening;
  const startMs = performance.now();
  expect(await traffic.drain({ deadlineMs: 4000, idleMs: 0 })).toBe(true);
  expect(performance.now() - startMs).toBeLessThan(2000);
});

test('pipelined requests whose client has disconnected are not in flight', async () => {
  let seen = 0;
  const server = createServer(() => {
    seen += 1;
  });
  const { traffic, url } = await listen(() => server, { host: '127.0.0.1', port: 0 });
  const connection = once(server, 'connection') as Promise<[Socket]>;
  const { port } = new URL(url);
  const client = connect(Number(port), '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3));
  await expect.poll(() => seen, { timeout: 10_000 }).toBe(3);
  const [socket] = await connection;
  const closed = once(socket, 'close');
  client.destroy();
  await closed;
  const idle = connect(Number(port), '127.0.0.1');
  onTestFinished(() => void idle.destroy());
  await once(server, 'connection');
  const drained = traffic.drain({ deadlineMs: 4000, idleMs: 3000 });
  traffic.cut();
  expect(await drained).toBe(true);
});
