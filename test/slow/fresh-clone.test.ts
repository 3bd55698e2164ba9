import { createRequire } from 'node:module';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openPage } from '../support/docs.ts';
import { finish, repository, Sandbox } from '../support/sandbox.ts';

const readme = openPage('README.md', import.meta.filename);
const ci = openPage('docs/ci.md', import.meta.filename);

// The commands use the tutorial's port. The settings of the npm process that runs the tests are removed, because npx uses them.
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
  const { code: first } = readme.take('sessapp', 'sh');
  const { code: tutorial } = readme.take('Start with a new environment', 'sh');
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
  const { code: script } = ci.take('A plain script', 'sh');
  const result = await finish(sandbox.spawn('sh', ['-c', script], { cwd, env: { ...env, CI: 'true' } }));
  expect(result).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('The current user is guest.') });
  const status = await finish(sandbox.spawn('npx', ['sessapp', 'status', 'ci-env', '--json'], { cwd, env }));
  expect(JSON.parse(status.stdout)).toMatchObject({ running: false });
});

test('the steps of the job for GitHub run one after the other', async () => {
  const sandbox = new Sandbox();
  const cwd = await clone(sandbox);
  await finish(sandbox.spawn('npm', ['install', '--ignore-scripts', '--no-save', 'yaml'], { env }));
  const { parse } = createRequire(sandbox.path('package.json'))('yaml') as { parse(text: string): Workflow };
  const { jobs } = parse(ci.take('GitHub Actions', 'yaml').code);
  const { steps } = jobs.sessions;
  expect(steps.filter(({ uses, run }) => (uses === undefined) === (run === undefined))).toEqual([]);
  for (const { run = ':' } of steps) {
    const { exitCode, stderr } = await finish(sandbox.spawn('bash', ['-e', '-c', run], { cwd, env }));
    expect(exitCode, `${run}\n${stderr}`).toBe(0);
  }
  const logs = await finish(sandbox.spawn('npx', ['sessapp', 'logs', 'ci-env'], { cwd, env }));
  expect(logs.stdout).toMatch(/GET \/ 200/);
});

interface Workflow {
  jobs: { sessions: { steps: Step[] } };
}

interface Step {
  uses?: string;
  run?: string;
}

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
