import { describe, expect, test } from 'vitest';
import { notInstalled } from '../../support/programs.ts';
import { cli, finish, Sandbox } from '../../support/sandbox.ts';

/** Runs a command line on a terminal, and types into it. */
async function onTerminal(sandbox: Sandbox, command: string, typed: string) {
  const env = { ...process.env, SHELL: '/bin/sh' };
  const child = sandbox.spawn('script', ['-qec', command, '/dev/null'], { stdio: 'pipe', env });
  child.stdin?.end(typed);
  return finish(child);
}

const tool = `'${process.execPath}' '${cli}'`;

test('shell reads commands from a pipe inside the environment, and ends with the shell’s exit code', async () => {
  const sandbox = new Sandbox();
  const environment = await sandbox.environment();
  const child = sandbox.start(['shell', environment], { stdio: 'pipe', env: { ...process.env, SHELL: '/bin/sh' } });
  child.stdin?.end('echo "$SESSAPP_ENV"; exit 5\n');
  expect(await finish(child)).toEqual({ exitCode: 5, signal: null, stdout: `${environment}\n`, stderr: '' });
});

test('shell reports an error when the shell cannot be started', async () => {
  const sandbox = new Sandbox();
  const environment = await sandbox.environment();
  const result = await sandbox.sessapp(['shell', environment], { env: { ...process.env, SHELL: '/no/such/shell' } });
  expect(result).toMatchObject({ exitCode: 127, stdout: '', stderr: expect.stringContaining('/no/such/shell') });
});

describe.each(['bash', 'zsh', 'fish'])('in %s', (shell) => {
  const missing = notInstalled(shell, 'script');

  test.skipIf(missing !== '')(`shell opens the shell in use, activated${missing}`, async () => {
    const sandbox = new Sandbox();
    const environment = await sandbox.environment('my env');
    const status = shell === 'fish' ? '$status' : '$?';
    const command = `${shell} -c "${tool} shell '${environment}'; exit \\${status}"`;
    const typed = 'echo "[$SESSAPP_ENV]"\nexit 6\n';
    const { exitCode, stdout } = await onTerminal(sandbox, command, typed);
    expect(stdout).toContain(`[${environment}]`);
    expect(stdout).toContain('(my env)');
    expect(exitCode).toBe(6);
  });

  test.skipIf(missing !== '')(`init ends with the line for the shell in use${missing}`, async () => {
    const sandbox = new Sandbox();
    const command = `SHELL=/bin/tcsh ${shell} -c "${tool} init 'my env' --no-install; true"`;
    const { stdout } = await onTerminal(sandbox, command, '');
    expect(stdout).toContain(shell === 'fish' ? "source 'my env/bin/activate.fish'" : ". 'my env/bin/activate'");
  });
});
