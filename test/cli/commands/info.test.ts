import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { invoke } from '../../support/in-process.ts';
import { Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment, serve } from '../../support/server.ts';

test('info shows the environment as JSON and as text', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const marker = JSON.parse(await readFile(join(environment, 'sessapp.json'), 'utf8'));
  const info = async () => JSON.parse((await sandbox.sessapp(['info', '--json'], { cwd: environment })).stdout);
  const expected = {
    version: 1,
    name: 'myenv',
    directory: environment,
    template: 'minimal',
    store: 'embedded',
    migration: null,
    language: 'javascript',
    cookie: marker.cookie,
    madeBy: marker.sessapp,
    node: { version: process.versions.node, path: process.execPath, own: false },
    dependencies: 'ready',
    server: null,
  };
  expect(await info()).toEqual(expected);
  await rename(join(environment, 'node_modules', 'express'), sandbox.path('express'));
  expect(await info()).toEqual({ ...expected, dependencies: 'dependencies-differ' });
  await rename(sandbox.path('express'), join(environment, 'node_modules', 'express'));
  const { url, pid } = await serve(sandbox, environment);
  expect(await info()).toEqual({ ...expected, server: { url, pid, workers: 1 } });
  const text = await sandbox.sessapp(['info', environment]);
  expect(text).toMatchObject({ exitCode: 0, stderr: '' });
  expect(text.stdout.split('\n').map((line) => line.replace(/ {2,}/g, '|'))).toEqual([
    'myenv',
    `|directory|${environment}`,
    '|template|minimal',
    '|store|embedded',
    '|language|javascript',
    `|session cookie|${marker.cookie}`,
    `|made by|sessapp ${marker.sessapp}`,
    `|Node.js|${process.versions.node} (${process.execPath})`,
    '|dependencies|ready',
    `|server|${url}`,
    '',
  ]);
});

test('info shows a migration that is in progress', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const file = join(environment, 'sessapp.json');
  const migration = { from: 'embedded', to: 'redis', phase: 'move' };
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), migration }));
  expect(JSON.parse((await invoke(environment, ['info', '--json'])).stdout)).toMatchObject({ migration });
  expect((await invoke(environment, ['info'])).stdout).toMatch(/^ +migration +from embedded to redis, phase move$/m);
});
