import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { invoke } from '../../support/in-process.ts';
import { Sandbox } from '../../support/sandbox.ts';

test('the cache commands count 1 snapshot, and 0 snapshots with 0 B', async () => {
  const sandbox = new Sandbox();
  const from = join(process.env.SESSAPP_CACHE_DIR ?? '', 'snapshots');
  const key = (await readdir(from)).find((name) => /^[0-9a-f]+$/.test(name)) ?? '';
  const SESSAPP_CACHE_DIR = sandbox.path('cache');
  const options = { recursive: true, verbatimSymlinks: true };
  await cp(join(from, key), join(SESSAPP_CACHE_DIR, 'snapshots', key), options);
  const cache = async (name: string) =>
    (await invoke(sandbox.directory, ['cache', name], { SESSAPP_CACHE_DIR })).stdout;
  expect(await cache('info')).toMatch(/\n {2}1 snapshot, \d+\.\d MB\n/);
  expect(await cache('clean')).toMatch(/^Removed 1 snapshot \(\d+\.\d MB\)\.\n$/);
  expect(await cache('clean')).toBe('Removed 0 snapshots (0 B).\n');
});
