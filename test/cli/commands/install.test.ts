import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { finish, Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment } from '../../support/server.ts';

const foreign = '{"dependencies":{"is-number":"^7.0.0"}}';

test.each([
  ['is missing', undefined],
  ['does not list sessapp', foreign],
  ['is not JSON', '{'],
])('when package.json %s, install and add change nothing and name the remedy', async (_, content) => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const path = join(environment, 'package.json');
  await (content === undefined ? rm(path) : writeFile(path, content));
  const list = () => readdir(environment, { recursive: true });
  const before = await list();
  for (const words of [['install'], ['install', 'left-pad'], ['add', 'passkeys']]) {
    const result = await sandbox.sessapp([...words, '-e', 'myenv', '--json']);
    expect(result.exitCode, words.join(' ')).toBe(1);
    expect(JSON.parse(result.stdout).error).toMatchObject({
      code: 'package-json-missing',
      hint: expect.stringMatching(/ sessapp upgrade myenv$/),
    });
  }
  expect(await list()).toEqual(before);
  if (content !== undefined) expect(await readFile(path, 'utf8')).toBe(content);
});

test('the remedy repairs an environment whose package.json was replaced, and keeps the packages of the new one', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const path = join(environment, 'package.json');
  const packageJson = JSON.parse(await readFile(path, 'utf8'));
  const dependency = { 'my-package': 'file:../my-package' };
  await finish(sandbox.spawn('mkdir', ['my-package']));
  await writeFile(sandbox.path('my-package', 'package.json'), '{"name":"my-package","version":"1.0.0"}');
  await writeFile(path, JSON.stringify({ type: 'commonjs', dependencies: dependency }));
  const { exitCode, stderr } = await sandbox.sessapp(['upgrade', 'myenv']);
  expect(exitCode, stderr).toBe(0);
  const dependencies = { ...packageJson.dependencies, ...dependency };
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ ...packageJson, dependencies });
  const info = await sandbox.sessapp(['info', 'myenv', '--json']);
  expect(JSON.parse(info.stdout).dependencies).toBe('ready');
});
