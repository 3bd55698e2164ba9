import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readJson } from '../support/files.ts';
import { add, type Given, hourMs, keyOf } from '../support/records.ts';
import { cli, finish, type Result, Sandbox } from '../support/sandbox.ts';
import { copyEnvironment } from '../support/server.ts';

const count = 100_000;
const text = 'x'.repeat(2000);
/** The data of all sessions is eight times as large, and the printed list is larger than this too. */
const heapMegabytes = 24;

const sandbox = new Sandbox(afterAll);
let environment: string;

beforeAll(async () => {
  environment = await copyEnvironment(sandbox);
  await addMany();
  await limitMemory();
});

async function addMany(): Promise<void> {
  const expiresAtMs = Date.now() + 24 * hourMs;
  for (let start = 0; start < count; start += 10_000) {
    const records = Array.from({ length: 10_000 }, (_, n): Given => {
      const number = start + n;
      const owner = `user ${number % 5000}`;
      return {
        key: keyOf(number),
        data: JSON.stringify({ text }),
        owner,
        expiresAtMs: expiresAtMs + n,
      };
    });
    await add(environment, records);
  }
}

/** Gives the environment its own Node.js, which has little memory. */
async function limitMemory(): Promise<void> {
  const marker = join(environment, 'sessapp.json');
  await writeFile(marker, JSON.stringify({ ...(await readJson(marker)), node: process.versions.node }));
  const node = join(environment, 'bin', 'node');
  await writeFile(node, `#!/bin/sh\nexec '${process.execPath}' --max-old-space-size=${heapMegabytes} "$@"\n`);
  await chmod(node, 0o755);
  await mkdir(join(environment, '.node', 'node_modules'), { recursive: true });
  await writeFile(join(environment, '.node', 'node_modules', '.package-lock.json'), '{}');
}

/** Runs the command with the same memory limit. */
async function sessapp(...args: string[]): Promise<Result> {
  const options = [`--max-old-space-size=${heapMegabytes}`, cli];
  return finish(sandbox.spawn(process.execPath, [...options, ...args, '-e', environment]));
}

test(`${count} sessions are listed in little memory, as lines and as --ndjson`, async () => {
  for (const [args, shape] of [
    [['--ndjson'], /^\{"version":1,"ref":".*\}$/],
    [[], /^[\w+-]{43}\tuser \d+\t/],
  ] as const) {
    const { exitCode, stdout, stderr } = await sessapp('sessions', 'list', ...args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const lines = stdout.split('\n').slice(0, -1);
    expect(lines).toHaveLength(count);
    expect(lines.every((line) => shape.test(line))).toBe(true);
    expect(new Set(lines).size).toBe(count);
  }
});

test(`${count} sessions are a table on a terminal in little memory`, async () => {
  const words = [process.execPath, `--max-old-space-size=${heapMegabytes}`, cli, 'sessions', 'list', '-e', environment];
  const command = `stty cols 80; ${words.map((word) => `'${word}'`).join(' ')}`;
  const { exitCode, stdout } = await finish(sandbox.spawn('script', ['-qec', command, '/dev/null']));
  expect(exitCode).toBe(0);
  expect(stdout.split('\r\n').slice(0, -1)).toHaveLength(count + 1);
});

test(`${count} sessions are counted, found and ended in little memory`, async () => {
  const stats = JSON.parse((await sessapp('sessions', 'stats', '--json')).stdout);
  expect(stats).toMatchObject({ sessions: count, anonymous: 0, damaged: 0 });
  const found = await sessapp('sessions', 'show', keyOf(count - 1), '--json');
  expect(JSON.parse(found.stdout)).toMatchObject({ owner: 'user 4999' });
  const ofOne = await sessapp('sessions', 'destroy', '--user', 'user 7', '--json');
  expect(JSON.parse(ofOne.stdout)).toMatchObject({ destroyed: 20 });
  const ofAll = await sessapp('sessions', 'destroy', '--all', '--yes', '--json');
  expect(JSON.parse(ofAll.stdout)).toMatchObject({ destroyed: count - 20 });
});
