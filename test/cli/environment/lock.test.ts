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

test('of many who take a lock again and again, one has it at a time', async () => {
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

test('of many who find the lock of one that died, one has it at a time', async () => {
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

test('what one left that was killed while it removed a lock stops nobody, and goes', async () => {
  const path = await createPath();
  for (const name of [path, `${path}.guard`, `${path}.guard.1.abc`]) await writeFile(name, JSON.stringify(dead));
  expect(await acquireLock(path, {})).toBeUndefined();
  await writeFile(`${path}.guard`, JSON.stringify(dead));
  await removeDrafts(path);
  expect(await readdir(dirname(path))).toEqual(['lock']);
});

test('a lock of another machine, whose owner nobody here can see, is held until it is old', async () => {
  const path = await createPath();
  const { owner } = dead;
  await writeFile(path, JSON.stringify({ owner: { ...owner, machine: 'another' } }));
  expect(await acquireLock(path, {})).toMatchObject({ owner: { machine: 'another' } });
  const longAgo = Date.now() / 1000 - 11 * 60;
  await utimes(path, longAgo, longAgo);
  expect(await acquireLock(path, {})).toBeUndefined();
});

test.each([
  ['text that is no lock', (path: string) => writeFile(path, '{}\n')],
  ['a link that leads nowhere', (path: string) => symlink('/nowhere/at/all', path)],
])('%s stops nobody', async (_, put) => {
  const path = await createPath();
  await put(path);
  expect(await acquireLock(path, {})).toBeUndefined();
  await releaseLock(path);
  expect(await readdir(dirname(path))).toEqual([]);
});

test('one that removes a lock and gets no further is named, after a while', { timeout: 20_000 }, async () => {
  const path = await createPath();
  await writeFile(path, JSON.stringify(dead));
  await acquireLock(`${path}.guard`, {});
  await expect(acquireLock(path, {})).rejects.toThrow(`process ${process.pid}`);
});
