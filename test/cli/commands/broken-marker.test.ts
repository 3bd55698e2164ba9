import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { invoke } from '../../support/in-process.ts';
import { Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment, isAlive, request, serveInBackground, waitFor } from '../../support/server.ts';

test.each<[string, string, (path: string) => Promise<void>]>([
  ['damaged', 'marker-damaged', (path) => writeFile(path, '{')],
  ['deleted', 'marker-missing', (path) => rm(path)],
])('a server whose sessapp.json was %s is still found until it is stopped', async (_, code, damage) => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const { url, pid } = await serveInBackground(sandbox, environment);
  const run = async (command: string) => {
    const { exitCode, stdout } = await invoke(environment, [command, environment, '--json']);
    return { exitCode, ...JSON.parse(stdout) };
  };
  await request(url);
  await damage(join(environment, 'sessapp.json'));
  expect(await run('status')).toMatchObject({ exitCode: 0, running: true, url, pid });
  await waitFor(async () => (await run('logs')).lines.length > 0);
  expect((await invoke(environment, ['stop', environment])).stdout).toBe('myenv has stopped.\n');
  expect(isAlive(pid)).toBe(false);
  for (const command of ['status', 'stop', 'reload', 'logs'])
    expect(await run(command)).toMatchObject({ exitCode: 1, error: { code } });
});
