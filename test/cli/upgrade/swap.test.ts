import type * as realFs from 'node:fs';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import {
  commitSwap,
  finishSwap,
  formerFolder,
  isSwapUnfinished,
  readSwap,
  type Swap,
} from '../../../src/cli/upgrade/swap.ts';
import { snapshot } from '../../support/files.ts';
import { Sandbox } from '../../support/sandbox.ts';

class Killed extends Error {}

/** The number of file system changes until the process is "killed". */
const budget = vi.hoisted(() => ({ left: Number.POSITIVE_INFINITY }));

vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof realFs>();
  const changes = ['linkSync', 'mkdirSync', 'renameSync', 'rmSync', 'rmdirSync', 'writeFileSync'] as const;
  const limited = changes.map((name) => [
    name,
    (...args: unknown[]) => {
      budget.left -= 1;
      if (budget.left < 0) throw new Killed(name);
      return (fs[name] as (...given: unknown[]) => unknown)(...args);
    },
  ]);
  return { ...fs, ...Object.fromEntries(limited) };
});

beforeEach(() => {
  budget.left = Number.POSITIVE_INFINITY;
});

function write(directory: string, files: Record<string, string>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
}

const marker = (version: string): string => JSON.stringify({ sessapp: version });
const before = {
  'sessapp.json': marker('1'),
  'server.js': 'old server',
  'server/drain.js': 'old part',
  '.sessapp/sessapp-1.tgz': 'old package',
  'node_modules/sessapp/index.js': 'old code',
  'app.js': 'mine',
};
const prepared = {
  'files/server.js': 'new server',
  'files/.gitattributes': 'new file',
  'files/.sessapp/sessapp-2.tgz': 'new package',
  'files/sessapp.json': marker('2'),
  'node_modules/sessapp/index.js': 'new code',
};
const swap: Swap = {
  version: '2',
  store: 'embedded',
  put: ['server.js', '.gitattributes', '.sessapp/sessapp-2.tgz', 'sessapp.json'],
  remove: ['server/drain.js', '.sessapp/sessapp-1.tgz'],
  tree: true,
};

/** An environment with a prepared upgrade. */
function prepare(): { directory: string; staging: string } {
  const directory = new Sandbox().path('myenv');
  const staging = join(directory, '.sessapp-staging-1');
  write(directory, before);
  write(staging, prepared);
  return { directory, staging };
}

/** The files of the environment, without the former state. */
async function readOwn(directory: string): Promise<Record<string, string>> {
  const files = await snapshot(directory);
  const own = Object.entries(files).filter(([path]) => !/^\.sessapp\/(previous|next)|^\.sessapp-staging/.test(path));
  return Object.fromEntries(own);
}

async function readAfterWhole(): Promise<Record<string, string>> {
  const { directory, staging } = prepare();
  commitSwap(directory, staging, swap);
  return readOwn(directory);
}

test('an upgrade replaces files, and keeps the replaced ones', async () => {
  const { directory, staging } = prepare();
  commitSwap(directory, staging, swap);
  const read = (path: string): string => readFileSync(join(directory, path), 'utf8');
  expect(['server.js', '.gitattributes', 'node_modules/sessapp/index.js', 'app.js'].map(read)).toEqual([
    'new server',
    'new file',
    'new code',
    'mine',
  ]);
  expect(existsSync(join(directory, 'server'))).toBe(false);
  expect(isSwapUnfinished(directory)).toBe(false);
  expect(readSwap(formerFolder(directory))).toEqual({
    version: '1',
    store: 'embedded',
    put: expect.arrayContaining(['server.js', 'sessapp.json', 'server/drain.js', '.sessapp/sessapp-1.tgz']),
    remove: ['.gitattributes', '.sessapp/sessapp-2.tgz'],
    tree: true,
  });
});

test('an upgrade can be undone, and so can the undo', async () => {
  const { directory, staging } = prepare();
  const original = await readOwn(directory);
  commitSwap(directory, staging, swap);
  const upgraded = await readOwn(directory);
  const undo = (): void => commitSwap(directory, formerFolder(directory), readSwap(formerFolder(directory)) as Swap);
  undo();
  expect(await readOwn(directory)).toEqual(original);
  undo();
  expect(await readOwn(directory)).toEqual(upgraded);
});

test('an upgrade that is killed before any of its file system changes has not begun, or is completed later', async () => {
  const whole = await readAfterWhole();
  let kills = 0;
  for (let isKilled = true; isKilled; kills += 1) {
    const { directory, staging } = prepare();
    const original = await readOwn(directory);
    budget.left = kills;
    isKilled = !isDone(() => commitSwap(directory, staging, swap));
    budget.left = Number.POSITIVE_INFINITY;
    // The environment has a marker at every moment.
    expect([marker('1'), marker('2')]).toContain(readFileSync(join(directory, 'sessapp.json'), 'utf8'));
    const hasBegun = isSwapUnfinished(directory) || existsSync(formerFolder(directory));
    finishSwap(directory);
    expect(await readOwn(directory)).toEqual(hasBegun ? whole : original);
    expect(isSwapUnfinished(directory)).toBe(false);
    expect(readSwap(formerFolder(directory))?.version).toBe(hasBegun ? '1' : undefined);
  }
  expect(kills).toBeGreaterThan(15);
});

test('an undo that is killed before any of its file system changes has not begun, or is completed later', async () => {
  const { directory: first } = prepare();
  const original = await readOwn(first);
  let kills = 0;
  for (let isKilled = true; isKilled; kills += 1) {
    const { directory, staging } = prepare();
    commitSwap(directory, staging, swap);
    const upgraded = await readOwn(directory);
    const reverse = readSwap(formerFolder(directory)) as Swap;
    budget.left = kills;
    isKilled = !isDone(() => commitSwap(directory, formerFolder(directory), reverse));
    budget.left = Number.POSITIVE_INFINITY;
    const hasBegun = isSwapUnfinished(directory) || readSwap(formerFolder(directory))?.version === '2';
    finishSwap(directory);
    expect(await readOwn(directory)).toEqual(hasBegun ? original : upgraded);
    expect(readSwap(formerFolder(directory))?.version).toBe(hasBegun ? '2' : '1');
  }
  expect(kills).toBeGreaterThan(15);
});

/** False when the process was killed during `work`. */
function isDone(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (error instanceof Killed) return false;
    throw error;
  }
}
