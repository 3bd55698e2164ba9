import { chmod, chown, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withDraft } from '../../src/cli/environment/write-file.ts';
import { toUserError } from '../../src/errors.ts';
import { invoke } from '../support/in-process.ts';
import { canActAsStranger, onlyAsRoot, stranger } from '../support/privileges.ts';
import { Sandbox } from '../support/sandbox.ts';
import { copyEnvironment } from '../support/server.ts';

const shared = new Sandbox(afterAll);
let environment: string;

beforeAll(async () => {
  environment = await copyEnvironment(shared);
  await chmod(shared.directory, 0o755);
  await mkdir(join(environment, 'data', 'sessions'), { recursive: true });
  if (!canActAsStranger) return;
  // Its owner, who has no right to write there.
  for (const path of [environment, join(environment, 'data'), join(environment, 'data', 'sessions')]) {
    await chown(path, stranger.uid, stranger.gid);
    await chmod(path, 0o555);
  }
});

test.runIf(canActAsStranger).each([
  [['deploy', 'docker'], '/.dockerignore'],
  [['store', 'backup', 'copy.mdb'], '/'],
  [['install'], '/'],
])(
  `sessapp %j without permission to write names the file that it could not write${onlyAsRoot}`,
  async (args, named) => {
    const before = await readdir(environment);
    const { stderr, exitCode } = await shared.sessapp(args, { ...stranger, cwd: environment, env: { HOME: '/' } });
    expect(exitCode).toBe(1);
    expect(stderr.split('\n')).toContain(`error: Permission denied: ${environment}${named}.`);
    expect(await readdir(environment)).toEqual(before);
  },
);

test.each([
  ['/srv/.sessapp-staging-1-2-3/node_modules/a/package.json', '/srv/'],
  ['/srv/myenv/.sessapp-backup-Ab12/copy', '/srv/myenv/'],
  ['/srv/myenv/.sessapp-env', '/srv/myenv/'],
  ['/srv/myenv/.sessapp/next/files/app.js', '/srv/myenv/'],
  ['/.sessapp-staging-1-2-3', '/'],
  ['/srv/myenv/.sessapp/sessapp-0.1.0-1a2b3c4d.tgz', '/srv/myenv/.sessapp/sessapp-0.1.0-1a2b3c4d.tgz'],
  ['/srv/my.sessapp-env/app.js', '/srv/my.sessapp-env/app.js'],
])('the message of an error at %s names %s', (path, named) => {
  const error = Object.assign(new Error('no space'), { code: 'ENOSPC', path });
  expect(toUserError(error)?.message).toBe(`The disk is full: ${named}.`);
});

test('the error for a temporary file names the final file', async () => {
  const missing = join(shared.directory, 'missing', 'file');
  await expect(withDraft(missing, '', 0o600, async () => true)).rejects.toMatchObject({
    code: 'ENOENT',
    path: missing,
  });
});

test('an error of git does not name the staging directory', async () => {
  const sandbox = new Sandbox();
  await mkdir(sandbox.path('bin'));
  const git = '#!/bin/sh\necho "fatal: cannot mkdir $PWD/.git: Denied" >&2\nexit 1\n';
  await writeFile(sandbox.path('bin', 'git'), git, { mode: 0o755 });
  const env = { PATH: `${sandbox.path('bin')}:${process.env.PATH}` };
  const { stderr } = await invoke(sandbox.directory, ['init', 'a', '--git', '--no-install'], env);
  expect(stderr).toContain(`error: git init failed: fatal: cannot mkdir ${sandbox.directory}/: Denied\n`);
});
