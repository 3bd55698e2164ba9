import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { type Database, openDatabase } from '../../src/stores/embedded/index.ts';
import { finish, repository, Sandbox } from '../support/sandbox.ts';

interface Order {
  item: string;
}

async function open(): Promise<{ sandbox: Sandbox; directory: string; database: Database<'orders' | 'counts'> }> {
  const sandbox = new Sandbox();
  const directory = sandbox.path('data', 'shop');
  const database = await openDatabase({ directory, tables: ['orders', 'counts'] });
  onTestFinished(() => database.close());
  return { sandbox, directory, database };
}

test('written values are read back in order, and only this user can read the files', async () => {
  const { directory, database } = await open();
  const orders = database.table<Order>('orders');
  const put = (): string => {
    for (const key of ['c', 'a', 'b']) orders.put(key, { item: key });
    orders.remove('c');
    return 'done';
  };
  expect(await database.write(put)).toBe('done');
  expect([orders.get('a'), orders.get('c'), orders.keys()]).toEqual([{ item: 'a' }, undefined, ['a', 'b']]);
  expect([orders.keys({ end: 'b' }), orders.keys({ limit: 1 })]).toEqual([['a'], ['a']]);
  expect((await stat(join(directory, 'data.mdb'))).mode & 0o777).toBe(0o600);
});

test('a write that throws changes nothing', async () => {
  const { database } = await open();
  const orders = database.table<Order>('orders');
  const failing = database.write(() => {
    orders.put('a', { item: 'book' });
    throw new Error('no more books');
  });
  await expect(failing).rejects.toThrow('no more books');
  expect(orders.get('a')).toBeUndefined();
});

test('a table can be changed only inside write, and must be declared', async () => {
  const { database } = await open();
  expect(() => database.table<Order>('orders').put('a', { item: 'book' })).toThrow('inside write()');
  expect(() => database.table('nobody' as 'orders')).toThrow("'nobody'");
});

test('an open directory cannot be opened again in this process until it is closed', async () => {
  const { directory, database } = await open();
  const again = () => openDatabase({ directory, tables: ['orders'] });
  await expect(again()).rejects.toThrow('is already open in this process');
  await database.close();
  await (await again()).close();
});

const counting = (directory: string): string => `
  import { openDatabase } from ${JSON.stringify(pathToFileURL(join(repository, 'dist', 'stores', 'embedded', 'index.js')))};
  const database = await openDatabase({ directory: ${JSON.stringify(directory)}, tables: ['orders', 'counts'] });
  const counts = database.table('counts');
  const add = () => database.write(() => counts.put('sum', (counts.get('sum') ?? 0) + 1));
  for (let n = 0; n < 100; n += 1) await add();
  console.log('counted');
  process.stdin.resume();`;

test('processes that write concurrently lose no write, also when they are killed', async () => {
  const { sandbox, directory, database } = await open();
  const children = Array.from({ length: 3 }, () => {
    const args = ['--input-type=module', '--eval', counting(directory)];
    return sandbox.spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  });
  await Promise.all(
    children.map(async (child) => {
      await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
      const ended = finish(child);
      child.kill('SIGKILL');
      await ended;
    }),
  );
  expect(database.table<number>('counts').get('sum')).toBe(300);
});
