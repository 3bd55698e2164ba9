import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cli, finish, Sandbox } from '../../support/sandbox.ts';

test.each([
  ['npm', 'cache'],
  ['a snapshot', undefined],
])(
  'under umask 000, other users cannot write to an environment from %s, even after install and deploy',
  async (_, cache) => {
    const sandbox = new Sandbox();
    const env = cache === undefined ? {} : { SESSAPP_CACHE_DIR: sandbox.path(cache) };
    const sessapp = (...args: string[]) => {
      const words = ['-c', 'umask 000; exec "$@"', 'sh', process.execPath, cli, ...args];
      return finish(sandbox.spawn('sh', words, { env }));
    };
    for (const args of [
      ['init', 'a/myenv'],
      ['install', '-e', 'a/myenv'],
      ['deploy', 'kubernetes', '-e', 'a/myenv'],
    ])
      expect(await sessapp(...args)).toMatchObject({ exitCode: 0 });
    expect(await listOpen(sandbox.path('a'))).toEqual([]);
  },
);

/** The paths that other users can write to. */
async function listOpen(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = [directory, ...entries.map((entry) => join(entry.parentPath, entry.name))];
  const open = await Promise.all(
    paths.map(async (path) => {
      const found = await lstat(path);
      return !found.isSymbolicLink() && (found.mode & 0o022) !== 0;
    }),
  );
  return paths.filter((_, index) => open[index]);
}
