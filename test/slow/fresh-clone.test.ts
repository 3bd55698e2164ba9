import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { finish, repository, Sandbox } from '../support/sandbox.ts';

/** The commands in a Markdown file: its code blocks in this language. */
async function readBlocks(file: string, language: string): Promise<string[]> {
  const text = await readFile(join(repository, file), 'utf8');
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))].map(([, block = '']) => block);
}

// The commands use the tutorial's port, and npx without the settings of the npm process that runs the tests.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith('npm_')));

async function clone(sandbox: Sandbox): Promise<string> {
  expect(await finish(sandbox.spawn('git', ['clone', '--quiet', repository, 'sessapp']))).toMatchObject({
    exitCode: 0,
  });
  return sandbox.path('sessapp');
}

test('the first command of the README creates and serves an environment; after that its tutorial works', async () => {
  const sandbox = new Sandbox();
  const cwd = await clone(sandbox);
  const [first = '', , tutorial = ''] = await readBlocks('README.md', 'sh');
  expect(first).toContain('npm ci && npx sessapp init myenv --serve');

  const shell = sandbox.spawn('bash', ['-c', first], { cwd, env, detached: true });
  const ended = finish(shell);
  const page = await untilResponse('http://localhost:5000/profile', ended);
  expect(page).toBe('현재 유저가 없습니다.\n');
  process.kill(-(shell.pid ?? 0), 'SIGINT');
  expect((await ended).stderr).toContain('Stopped.');

  const lines = tutorial.replace('npx sessapp serve', 'npx sessapp info --json');
  const result = await finish(
    sandbox.spawn('bash', ['-euo', 'pipefail', '-c', `rm -rf myenv\n${lines}`], { cwd, env }),
  );
  expect(result).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('"dependencies":"ready"') });
});

test('the CI script works as documented', async () => {
  const sandbox = new Sandbox();
  const cwd = await clone(sandbox);
  expect(await finish(sandbox.spawn('npm', ['ci'], { cwd, env }))).toMatchObject({ exitCode: 0 });
  const [script = ''] = await readBlocks('docs/ci.md', 'sh');
  const result = await finish(sandbox.spawn('sh', ['-c', script], { cwd, env: { ...env, CI: 'true' } }));
  expect(result).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('The current user is guest.') });
  const status = await finish(sandbox.spawn('npx', ['sessapp', 'status', 'ci-env', '--json'], { cwd, env }));
  expect(JSON.parse(status.stdout)).toMatchObject({ running: false });
});

async function untilResponse(url: string, ended: Promise<unknown>): Promise<string> {
  let over = false;
  void ended.then(() => {
    over = true;
  });
  for (;;) {
    if (over) throw new Error('the command exited before its server responded');
    const response = await fetch(url).catch(() => undefined);
    if (response) return response.text();
    await wait(200);
  }
}
