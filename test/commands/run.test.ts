import { expect, test } from 'vitest';
import { Sandbox } from '../support/sandbox.ts';

test('run gives the command its arguments as they are, and hands its exit code back', async () => {
  const sandbox = new Sandbox();
  const environment = await sandbox.environment();
  const script = 'console.log(JSON.stringify(process.argv.slice(1))); process.exitCode = 7';
  const result = await sandbox.sessapp([
    'run',
    '-e',
    environment,
    '--',
    'node',
    '-e',
    script,
    '--',
    '--json',
    'a b',
    '$(x)',
    '',
  ]);
  expect(result).toMatchObject({ exitCode: 7, stdout: '["--json","a b","$(x)",""]\n', stderr: '' });
});
