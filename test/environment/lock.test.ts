import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { acquireLock, releaseLock } from '../../src/environment/lock.ts';

test('of many who take a lock again and again, one has it at a time', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sessapp-lock-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'lock');
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
  expect(await readdir(directory)).toEqual([]);
});
