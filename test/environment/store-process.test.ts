import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { StoreProcess } from '../../src/cli/admin/store-process.ts';

/** A process that does what the script says when it is asked something; `tell` sends an answer. */
async function start(script: string, limitMs = 10_000): Promise<StoreProcess> {
  const program = `const tell = (answer) => process.send(answer);
    process.on('message', ({ id, call, args }) => { ${script} });
    process.on('disconnect', () => process.exit());
    tell('ready');`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  await once(child, 'message');
  return new StoreProcess(child, limitMs);
}

test('a call that gets on takes as long as it needs', async () => {
  const store = await start(
    `const timer = setInterval(() => tell({ progress: true }), 50);
     setTimeout(() => { clearInterval(timer); tell({ id, result: 7 }); }, 2000);`,
    1000,
  );
  expect(await store.call('prune', 1, 2)).toBe(7);
  await store.close();
});

test('a call without progress is given up, and so is a process that does not end', async () => {
  const store = await start(`process.on('SIGTERM', () => {}); for (;;);`, 1000);
  await expect(store.call('ping')).rejects.toMatchObject({
    code: 'store-unavailable',
    message: 'The store cannot be used: it did not answer within 1 s.',
  });
  await store.close();
});

test('a process that is gone is told of at once, with what it said last and no stack', async () => {
  const store = await start(`console.error('Error: the reason\\n    at somewhere (x.js:1:1)'); process.exit(3);`);
  const failure = { code: 'store-unavailable', message: expect.stringContaining('exit code 3 (the reason).') };
  await expect(store.call('ping')).rejects.toMatchObject(failure);
  await expect(store.call('ping')).rejects.toMatchObject(failure);
  await store.close();
});

test('a Node.js that cannot be started is told of', async () => {
  const child = spawn('/no/such/node', [], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const store = new StoreProcess(child);
  await expect(store.call('ping')).rejects.toMatchObject({
    code: 'store-unavailable',
    message: expect.stringContaining('/no/such/node'),
  });
  await store.close();
});

test.each([
  [{ message: 'EACCES: permission denied, open x', code: 'EACCES' }, /this user may not read and write its files/],
  [{ message: 'x', code: 'ENOSPC' }, /the disk is full/],
  [{ message: 'EROFS: x', code: 'EROFS' }, /read-only/],
  [{ message: 'MDB_CORRUPTED: Located page was wrong type' }, /its file is damaged \(MDB_CORRUPTED: /],
  [{ message: 'ECONNREFUSED: no server\n    at y (x.js:1:1)', code: 'ECONNREFUSED' }, /used: no server\.$/],
])('the failure %j is told in words', async (failure, message) => {
  const store = await start(`tell({ id, failure: ${JSON.stringify(failure)} });`);
  const error = await store.call('ping').catch((thrown) => thrown);
  expect(error).toMatchObject({ code: 'store-unavailable', message: expect.stringMatching(message) });
  await store.close();
});
