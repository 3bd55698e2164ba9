import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { linkPackages, openPage } from '../support/docs.ts';
import { send } from '../support/http.ts';
import { freePort } from '../support/redis-server.ts';
import { finish, repository, Sandbox } from '../support/sandbox.ts';

const page = openPage('docs/testing.md', import.meta.filename);

const files = page.takeAll('Test your application', 'js');

async function writeFiles(port = 3000): Promise<Sandbox> {
  const sandbox = new Sandbox();
  await linkPackages(sandbox, 'express', 'redis', 'vitest');
  await writeFile(sandbox.path('package.json'), '{ "type": "module" }');
  for (const { file = '', code } of files) await writeFile(sandbox.path(file), code.replace('3000)', `${port})`));
  return sandbox;
}

test('the tests of docs/testing.md pass', async () => {
  const sandbox = await writeFiles();
  const vitest = join(repository, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--root', sandbox.directory, '--reporter', 'json'];
  const { stdout, stderr } = await finish(sandbox.spawn(process.execPath, args, { cwd: sandbox.directory }));
  expect(JSON.parse(stdout), stderr).toMatchObject({ numPassedTests: 2, numTotalTests: 2 });
});

test('the program of docs/testing.md starts the same application', async () => {
  expect(files.map(({ file }) => file)).toEqual(['app.js', 'server.js', 'app.test.js']);
  const [port, unused] = [await freePort(), await freePort()];
  const sandbox = await writeFiles(port);
  const env = { SESSION_SECRET: 's'.repeat(43), REDIS_URL: `redis://localhost:${unused}` };
  const child = sandbox.spawn(process.execPath, [sandbox.path('server.js')], { env });
  const ended = finish(child);
  const url = `http://localhost:${port}/profile`;
  for (;;) {
    const response = await send(url).catch(() => undefined);
    if (response) return expect(response).toMatchObject({ status: 401, body: 'Log in first' });
    expect(child.exitCode, child.exitCode === null ? '' : (await ended).stderr).toBeNull();
    await wait(50);
  }
});
