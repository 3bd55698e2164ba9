import { once } from 'node:events';
import { appendFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { Sandbox } from '../support/sandbox.ts';
import { addRoutes, copyEnvironment, request, startPlain, waitFor } from '../support/server.ts';

async function startLimited(files: number, workers: string, routes?: string) {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  if (routes) {
    await addRoutes(directory, routes);
    await appendFile(join(directory, 'app.js'), `import { closeSync, openSync } from 'node:fs';\n`);
  }
  const command = `ulimit -n ${files}; exec "${process.execPath}" server.js`;
  const env = workers === '' ? {} : { WORKERS: workers };
  return startPlain(sandbox, directory, { cwd: directory, env }, ['sh', '-c', command]);
}

/** Opens one connection after another, a few milliseconds apart, and keeps them open without sending anything. */
async function openIdle(url: string, count: number): Promise<void> {
  const sockets: Socket[] = [];
  onTestFinished(() => sockets.forEach((socket) => void socket.destroy()));
  for (let n = 0; n < count; n += 1) {
    const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => undefined);
    sockets.push(socket);
    await wait(3);
  }
}

const respondsInTime = (url: string): Promise<boolean> =>
  Promise.race([
    request(`${url}/healthz`).then(
      ({ status }) => status === 200,
      () => false,
    ),
    wait(1000, false),
  ]);

test.each([
  [80, '2'],
  [128, '2'],
  [256, '2'],
  [80, '1'],
  [80, ''],
])(
  'with %i descriptors and WORKERS=%s, idle connections do not keep other clients from a response',
  async (files, workers) => {
    const { url } = await startLimited(files, workers);
    const flood = openIdle(url, files * 4);
    await wait(files);
    expect(await waitFor(() => respondsInTime(url), 5000)).toBe(true);
    await flood;
    // The clients still keep all connections open.
    for (let n = 0; n < 6; n += 1) expect(await waitFor(() => respondsInTime(url), 5000)).toBe(true);
  },
);

test('a worker whose application uses up all descriptors is replaced, and the server responds again', async () => {
  const exhaust = `
    app.get('/exhaust', (req, res) => {
      const take = () => {
        try {
          for (;;) openSync('/dev/null');
        } catch (error) {
          console.log(error.code);
        }
      };
      take();
      setInterval(take, 1);
      res.send();
    });`;
  const { url, output } = await startLimited(100, '1', exhaust);
  await request(`${url}/exhaust`);
  await waitFor(() => output().includes('EMFILE'));
  await wait(100);
  const lost = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => undefined);
  onTestFinished(() => void lost.destroy());
  await once(lost, 'connect');
  await waitFor(() => output().includes('no longer accepts connections; another replaces it'), 30_000);
  expect(await waitFor(() => respondsInTime(url), 20_000)).toBe(true);
}, 90_000);
