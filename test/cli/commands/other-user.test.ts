import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { canActAsStranger, onlyAsRoot, stranger } from '../../support/privileges.ts';
import { type Result, Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment } from '../../support/server.ts';

const sandbox = new Sandbox(afterAll);
let environment: string;

beforeAll(async () => {
  environment = await copyEnvironment(sandbox);
  await chmod(sandbox.directory, 0o755);
  await mkdir(join(environment, 'data'), { mode: 0o700 });
});

const asStranger = (...args: string[]): Promise<Result> =>
  sandbox.sessapp([...args, '--json'], { ...stranger, env: { HOME: '/' } });

test.runIf(canActAsStranger).each([
  [['status', 'myenv'], '/data'],
  [['stop', 'myenv'], '/data'],
  [['reload', 'myenv'], '/data'],
  [['info', 'myenv'], '/data'],
  [['logs', 'myenv'], '/data'],
  [['serve', 'myenv'], '/data'],
  [['secret', 'list', 'myenv'], '/.env'],
  [['secret', 'rotate', 'myenv'], '/.env'],
  [['install', '-e', 'myenv'], ''],
  [['deploy', 'docker', '-e', 'myenv'], ''],
  [['upgrade', 'myenv'], ''],
  [['remove', 'myenv', '--yes'], ''],
])(
  `sessapp %j as another user says who owns the environment, and never to open its files${onlyAsRoot}`,
  async (args, path) => {
    const { exitCode, stdout } = await asStranger(...args);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout).error).toEqual({
      code: 'not-the-owner',
      message: `${environment}${path} belongs to another user (0).`,
      hint: 'Run the same command as that user.',
    });
  },
);

test.runIf(canActAsStranger)(`so it does when the whole environment is closed to this user${onlyAsRoot}`, async () => {
  await chmod(environment, 0o700);
  for (const args of [
    ['status', 'myenv'],
    ['info', 'myenv'],
    ['serve', 'myenv'],
  ]) {
    const { stdout } = await asStranger(...args);
    expect(JSON.parse(stdout).error).toMatchObject({
      code: 'not-the-owner',
      message: `${environment} belongs to another user (0).`,
    });
  }
});
