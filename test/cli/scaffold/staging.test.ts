import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { createStaging } from '../../../src/cli/scaffold/staging.ts';
import { Sandbox } from '../../support/sandbox.ts';

test('eight concurrent stagings below missing parents each get a directory, and exactly one reports that it made the parents', async () => {
  const sandbox = new Sandbox();
  for (let round = 0; round < 20; round += 1) {
    const first = sandbox.path(`a${round}`);
    const parents = Array.from({ length: 8 }, (_, index) => join(first, 'b', 'c', `d${index}`));
    const stagings = await Promise.all(parents.map((parent) => createStaging(parent)));
    for (const [index, { directory, top }] of stagings.entries()) {
      expect(dirname(directory)).toBe(parents[index]);
      expect(await readdir(directory)).toEqual([]);
      expect(directory.startsWith(top)).toBe(true);
    }
    expect(stagings.filter(({ top }) => top === first)).toHaveLength(1);
  }
});

test('an old staging directory of this process is emptied, and an existing parent does not count as made', async () => {
  const sandbox = new Sandbox();
  const { directory } = await createStaging(sandbox.directory);
  await mkdir(join(directory, 'left'));
  expect(await createStaging(sandbox.directory)).toEqual({ directory, top: directory });
  expect(await readdir(directory)).toEqual([]);
});
