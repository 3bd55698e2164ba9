import { mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { acquireLock, type Lock, ownIdentity, releaseLock, removeDrafts } from '../../../src/cli/environment/lock.ts';

async function createPath(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sessapp-lock-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return join(directory, 'lock');
}

test('of many processes that take a lock repeatedly, only one holds it at a time', async () => {
  const path = await createPath();
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    for (let count = 0; count < 40; count += 1) {
      while (await acquireLock(path, {})) await wait(1);
      inside += 1;
      most = Math.max(most, inside);
      await wait(1);
      inside -= 1;
      await releaseLock(path);
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  expect(most).toBe(1);
  expect(await readdir(dirname(path))).toEqual([]);
});

test('of many processes that find an abandoned lock, only one holds it at a time', async () => {
  const path = await createPath();
  const living = new Set<number>();
  const isHeld = async ({ holder }: Lock & { holder: number }): Promise<boolean> => living.has(holder);
  let next = 0;
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    for (let count = 0; count < 40; count += 1) {
      const holder = next++;
      living.add(holder);
      while (await acquireLock(path, { holder }, isHeld)) await wait(Math.random() * 3);
      inside += 1;
      most = Math.max(most, inside);
      await wait(1);
      inside -= 1;
      living.delete(holder);
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  expect(most).toBe(1);
});

const dead = { owner: { ...(await ownIdentity()), started: 'long ago' } };

test('files of a process that was killed while it removed a lock block nobody, and are removed', async () => {
  const path = await createPath();
  for (const name of [path, `${path}.guard`, `${path}.guard.1.abc`]) await writeFile(name, JSON.stringify(dead));
  expect(await acquireLock(path, {})).toBeUndefined();
  await writeFile(`${path}.guard`, JSON.stringify(dead));
  await removeDrafts(path);
  expect(await readdir(dirname(path))).toEqual(['lock']);
});

test('a lock of a process on another machine counts as held until it is old', async () => {
  const path = await createPath();
  const { owner } = dead;
  await writeFile(path, JSON.stringify({ owner: { ...owner, machine: 'another' } }));
  expect(await acquireLock(path, {})).toMatchObject({ owner: { machine: 'another' } });
  const longAgo = Date.now() / 1000 - 11 * 60;
  await utimes(path, longAgo, longAgo);
  expect(await acquireLock(path, {})).toBeUndefined();
});

test.each([
  ['a file that is not a lock', (path: string) => writeFile(path, '{}\n')],
  ['a broken link', (path: string) => symlink('/nowhere/at/all', path)],
])('%s blocks nobody', async (_, put) => {
  const path = await createPath();
  await put(path);
  expect(await acquireLock(path, {})).toBeUndefined();
  await releaseLock(path);
  expect(await readdir(dirname(path))).toEqual([]);
});

test('after a while, the error names a process that does not finish removing a lock', { timeout: 20_000 }, async () => {
  const path = await createPath();
  await writeFile(path, JSON.stringify(dead));
  await acquireLock(`${path}.guard`, {});
  await expect(acquireLock(path, {})).rejects.toThrow(`process ${process.pid}`);
});
