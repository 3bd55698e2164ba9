import { join } from 'node:path';
import { expect, test } from 'vitest';
import { notInstalled } from '../support/programs.ts';
import { finish, repository, Sandbox } from '../support/sandbox.ts';

const without = notInstalled('tmux', 'bash', 'curl');

test.skipIf(without !== '')(`the pictures of the READMEs show what a terminal shows today${without}`, async () => {
  const script = join(repository, 'scripts', 'terminal-picture.js');
  const result = await finish(new Sandbox().spawn(process.execPath, [script, '--check']));
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
});
