import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Sandbox } from '../support/sandbox.ts';

const { isBuilt } = (await import('../../scripts/is-built.js' as string)) as { isBuilt: (root: string) => boolean };

test('the script prepare builds only when something has changed since the last build', async () => {
  const sandbox = new Sandbox();
  const write = (...path: string[]) => writeFile(sandbox.path(...path), '');
  const build = async (): Promise<void> => {
    await wait(10);
    await write('dist', 'build-id');
    await wait(10);
  };
  for (const name of ['src', 'src/cli', 'templates', 'scripts', 'dist']) await mkdir(sandbox.path(name));
  for (const name of ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'src/cli/main.ts'])
    await write(name);
  expect(isBuilt(sandbox.directory)).toBe(false);
  const changes: (() => Promise<void>)[] = [
    () => write('src', 'cli', 'main.ts'),
    () => write('src', 'cli', 'added.ts'),
    () => rm(sandbox.path('src', 'cli', 'added.ts')),
    // As a copy of an older file does.
    () => utimes(sandbox.path('package.json'), 0, 0),
    () => rm(sandbox.path('dist', 'build-id')),
  ];
  for (const change of changes) {
    await build();
    expect(isBuilt(sandbox.directory)).toBe(true);
    await change();
    expect(isBuilt(sandbox.directory)).toBe(false);
  }
});
