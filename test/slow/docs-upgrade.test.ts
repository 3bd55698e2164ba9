import { expect, test } from 'vitest';
import { openPage } from '../support/docs.ts';
import { finish, type Result, repository, Sandbox } from '../support/sandbox.ts';

const page = openPage('docs/upgrade.md', import.meta.filename);

// npx must run the clone's copy, so the settings of the npm process that runs the tests are removed.
const env = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => /^npm_/i.test(name))
    .map((name) => [name, undefined]),
);

test('an environment gets the version of an updated clone', async () => {
  const sandbox = new Sandbox();
  const type = async (commands: string, cwd: string): Promise<Result> => {
    const result = await finish(sandbox.spawn('bash', ['-e', '-c', commands], { cwd, env }));
    expect(result.exitCode, result.stderr).toBe(0);
    return result;
  };
  await type(`git clone --quiet '${repository}' origin && git clone --quiet origin clone`, sandbox.directory);
  const clone = sandbox.path('clone');
  await type('npm ci && npx sessapp init myenv', clone);
  const commit = 'git -c user.name=test -c user.email=test@example.com commit --quiet --all --message Release';
  await type(`npm version 9.9.9 --no-git-tag-version --ignore-scripts && ${commit}`, sandbox.path('origin'));
  await type(page.take('Upgrade an environment', 'sh').code, clone);
  const { stdout } = await type('npx sessapp info myenv', clone);
  expect(stdout).toMatch(/made by +sessapp 9\.9\.9/);
});
