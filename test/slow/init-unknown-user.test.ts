import { spawnSync } from 'node:child_process';
import { chmod, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { canActAsStranger, onlyAsRoot } from '../support/privileges.ts';
import { finish, Sandbox } from '../support/sandbox.ts';
import { copyEnvironment } from '../support/server.ts';

/** A container may use any uid, for which the system has no user name and no home directory. */
const unknown = { uid: 54_321, gid: 54_321 };
const isUnknown = spawnSync('id', ['-nu', String(unknown.uid)]).status === 1;

test.skipIf(!canActAsStranger || !isUnknown)(
  `a user without an account gets an error only from commands that need a home directory${onlyAsRoot}`,
  async () => {
    const sandbox = new Sandbox();
    await chmod(sandbox.directory, 0o777);
    const environment = await copyEnvironment(sandbox);
    await finish(sandbox.spawn('chown', ['-R', '54321:54321', environment]));
    const sessapp = (args: string[], env: NodeJS.ProcessEnv = {}) =>
      sandbox.sessapp(args, { ...unknown, env: { HOME: undefined, SESSAPP_CACHE_DIR: undefined, ...env } });
    for (const args of [
      ['init', 'made', '--no-install'],
      ['doctor', 'myenv'],
      ['deploy', 'systemd', '-e', 'myenv'],
    ])
      expect(await sessapp(args)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await readFile(`${environment}/deploy/myenv.service`, 'utf8')).toContain('\nUser=54321\n');
    for (const args of [
      ['init', 'other'],
      ['cache', 'info'],
      ['init', '~/other'],
    ]) {
      const { exitCode, stderr } = await sessapp(args);
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(/error: This user has no home directory: .*\nSet HOME to a directory/);
    }
    const denied = await sessapp(['init', 'other'], { HOME: '/', npm_config_cache: undefined });
    expect(denied.stderr).toMatch(/\/\.npm\n.*Use a cache directory that this user can write to/s);
  },
);
