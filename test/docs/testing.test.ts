import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { linkPackages, openPage } from '../support/docs.ts';
import { finish, repository, Sandbox } from '../support/sandbox.ts';

const page = openPage('docs/testing.md', import.meta.filename);

test('the tests of docs/testing.md pass', async () => {
  const files = page.takeAll('Test your application', 'js');
  expect(files.map(({ file }) => file)).toEqual(['app.js', 'app.test.js']);
  const sandbox = new Sandbox();
  await linkPackages(sandbox, 'express', 'vitest');
  await writeFile(sandbox.path('package.json'), '{ "type": "module" }');
  for (const { file = '', code } of files) await writeFile(sandbox.path(file), code);
  const vitest = join(repository, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--root', sandbox.directory, '--reporter', 'json'];
  const { stdout, stderr } = await finish(sandbox.spawn(process.execPath, args, { cwd: sandbox.directory }));
  expect(JSON.parse(stdout), stderr).toMatchObject({ numPassedTests: 2, numTotalTests: 2 });
});
