import { spawnSync } from 'node:child_process';
import { chmod, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isThere } from '../../../src/files.ts';
import { invoke } from '../../support/in-process.ts';
import { canActAsStranger, onlyAsRoot, stranger } from '../../support/privileges.ts';
import { fill } from '../../support/records.ts';
import { Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment, request, startPlain } from '../../support/server.ts';

const sandbox = new Sandbox(afterAll);
let environment: string;

beforeAll(async () => {
  environment = await copyEnvironment(sandbox);
  await rm(join(environment, 'data'), { recursive: true, force: true });
});

test.each([
  [['sessions', 'stats'], { sessions: 0, expired: 0 }],
  [['sessions', 'list'], { sessions: [] }],
  [['sessions', 'destroy', '--user', 'ann'], { destroyed: 0 }],
  [['sessions', 'prune'], { deleted: 0 }],
  [['secret', 'list'], {}],
])('%j before the first start finds no session and creates nothing', async (args, printed) => {
  const { exitCode, stdout } = await invoke(environment, [...args, '--json']);
  expect({ exitCode, ...JSON.parse(stdout) }).toMatchObject({ exitCode: 0, ...printed });
  expect(await isThere(join(environment, 'data'))).toBe(false);
});

test('a backup before the first start says that there is no store, and creates nothing', async () => {
  const { exitCode, stdout } = await invoke(environment, ['store', 'backup', sandbox.path('copy'), '--json']);
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout).error).toMatchObject({
    code: 'no-store',
    message: 'There is no store yet, so there is nothing to back up.',
  });
  expect(await isThere(join(environment, 'data'))).toBe(false);
  expect(await isThere(sandbox.path('copy'))).toBe(false);
});

test.runIf(canActAsStranger)(
  `files that root creates in a service's environment belong to the service's user${onlyAsRoot}`,
  async () => {
    const own = await copyEnvironment(sandbox, 'service');
    await rm(join(own, 'data'), { recursive: true, force: true });
    spawnSync('chown', ['-R', `${stranger.uid}:${stranger.gid}`, own]);
    await chmod(sandbox.directory, 0o755);
    // A restored backup, whose lock file is created by a command that root runs.
    await fill(own, [{}]);
    await rm(join(own, 'data', 'sessions', 'lock.mdb'));
    expect((await invoke(own, ['sessions', 'stats', '--json'])).exitCode).toBe(0);
    const paths = ['data', 'data/sessions', 'data/sessions/data.mdb', 'data/sessions/lock.mdb'];
    expect(await readdir(join(own, 'data', 'sessions'))).toContain('lock.mdb');
    for (const path of paths) expect([path, (await stat(join(own, path))).uid]).toEqual([path, stranger.uid]);
    const { url } = await startPlain(sandbox, own, { ...stranger, cwd: own, env: { HOME: '/' } });
    expect((await request(`${url}/`)).status).toBe(200);
  },
);
