import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { finish, type Result, repository, Sandbox } from '../support/sandbox.ts';

function slow(...args: string[]): Promise<Result> {
  return finish(new Sandbox().spawn(process.execPath, [join(repository, 'scripts', 'slow.js'), ...args]));
}

test('without a name the script lists the slow suites, and every slow test belongs to one', async () => {
  const { exitCode, stdout } = await slow();
  expect(exitCode).toBe(0);
  const suites = stdout.trimEnd().split('\n');
  expect(suites).toEqual(expect.arrayContaining(['crash', 'serve']));
  const files = (await readdir(join(repository, 'test', 'slow'))).filter((file) => file.endsWith('.test.ts'));
  const belongs = (file: string) => suites.some((suite) => file === `${suite}.test.ts` || file.startsWith(`${suite}-`));
  expect(files.filter((file) => !belongs(file))).toEqual([]);
});

test.each([[['crahs']], [['serve-d']], [['crash', 'nope']]])(
  'a name that is not a suite fails, and the error lists the suites: %j',
  async (names) => {
    const { exitCode, stdout, stderr } = await slow(...names);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(`'${names.at(-1)}' is not a slow suite. Suites: accounts, browser, crash,`);
  },
);
