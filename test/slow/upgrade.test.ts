import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readJson } from '../support/files.ts';
import { copyBuild, type OtherBuild } from '../support/other-build.ts';
import { repository, Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, killAtEnd, request, serveInBackground } from '../support/server.ts';
import { addVisitorRoutes, startVisits, Visitor } from '../support/visitors.ts';

const kills = 12;

test(`an upgrade that is killed at ${kills} random moments leaves the old or the new environment`, async () => {
  const sandbox = new Sandbox();
  const build = await copyBuild(sandbox);
  const program = build.path('bin', 'sessapp.js');
  // The first upgrade fills the caches. The second one is timed, and the kills are spread over its duration.
  await copyEnvironment(sandbox, 'first');
  await build.run(['upgrade', 'first']);
  const startMs = performance.now();
  await copyEnvironment(sandbox, 'second');
  await build.run(['upgrade', 'second']);
  const longestMs = performance.now() - startMs;
  const versions: string[] = [];
  for (let n = 0; n < kills; n += 1) {
    const environment = await copyEnvironment(sandbox, `env-${n}`);
    const child = sandbox.spawn(process.execPath, [program, 'upgrade', environment]);
    await Promise.race([wait((longestMs * (n + Math.random())) / kills), once(child, 'exit')]);
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    // Any command completes an interrupted upgrade first.
    expect((await sandbox.sessapp(['secret', 'list', '-e', environment])).exitCode).toBe(0);
    const { sessapp } = await readJson<{ sessapp: string }>(environment, 'sessapp.json');
    const { version } = await readJson<{ version: string }>(environment, 'node_modules', 'sessapp', 'package.json');
    expect(version).toBe(sessapp);
    versions.push(version);
    await build.run(['upgrade', environment]);
    expect((await sandbox.sessapp(['doctor', environment])).stdout).toMatch(/^0 problems/m);
    await rm(environment, { recursive: true });
  }
  // The first kill comes before npm has ended.
  expect(versions).toContain((await readJson(repository, 'package.json')).version);
});

test('under load, upgrade and reload cause no failed request, and log nobody out', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await addVisitorRoutes(environment);
  const build = await copyBuild(sandbox);
  const { url, pid } = await serveInBackground(sandbox, environment, ['--workers', '2']);
  killAtEnd(pid);
  const visitors = await Promise.all(Array.from({ length: 6 }, (_, n) => new Visitor(`v${n}`).login(url)));
  const visits = startVisits(() => url, visitors);
  await wait(1000);
  for (const args of [
    ['upgrade', 'myenv'],
    ['reload', 'myenv'],
    ['upgrade', 'myenv', '--undo'],
    ['reload', 'myenv'],
  ]) {
    expect((await build.run(args)).exitCode).toBe(0);
    await wait(1000);
  }
  await visits.stop();
  expect(visits.failures).toEqual([]);
  expect(visits.present.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(0);
  for (const visitor of visits.present) {
    expect((await visitor.ask(url, '/who')).body).toBe(`${visitor.name} ${visitor.count}`);
  }
  expect(await readJson(join(environment, 'node_modules', 'sessapp', 'package.json'))).toMatchObject({
    version: (await readJson(repository, 'package.json')).version,
  });
});

async function upgradeJson(build: OtherBuild, ...args: string[]): Promise<unknown> {
  const { exitCode, stdout, stderr } = await build.run(['upgrade', 'myenv', ...args, '--json']);
  if (exitCode !== 0) throw new Error(`${stdout}${stderr}`);
  return JSON.parse(stdout);
}

test('upgrade keeps the user’s entries in package.json', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const build = await copyBuild(sandbox);
  const path = join(environment, 'package.json');
  const manifest = await readJson<{ dependencies: Record<string, string>; scripts: object }>(path);
  const mine = {
    ...manifest,
    author: 'me',
    scripts: { ...manifest.scripts, mine: 'true', start: 'node --inspect server.js' },
  };
  mine.dependencies.express = '5.3.0';
  await writeFile(path, JSON.stringify(mine));
  expect(await upgradeJson(build, '--dry-run')).toMatchObject({
    written: expect.arrayContaining(['package.json', 'package-lock.json']),
  });
  await upgradeJson(build);
  expect(await readJson(path)).toMatchObject({
    author: 'me',
    scripts: { mine: 'true', start: 'node --inspect server.js' },
    dependencies: { express: '5.3.0', sessapp: expect.stringContaining('sessapp-9.9.9') },
  });
  const lock = await readJson<{ packages: Record<string, { dependencies?: object; resolved?: string }> }>(
    environment,
    'package-lock.json',
  );
  expect(lock.packages['']).toMatchObject({ dependencies: { express: '5.3.0' } });
  expect(Object.values(lock.packages).flatMap(({ resolved = [] }) => resolved)).toEqual([
    expect.stringMatching(/^file:\.sessapp\/sessapp-9\.9\.9-[0-9a-f]{8}\.tgz$/),
  ]);
});

test('a running server keeps its old code, and upgrade prints the reload command', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const { url, pid } = await serveInBackground(sandbox, environment);
  killAtEnd(pid);
  const { cookie } = await request(url);
  const build = await copyBuild(sandbox);
  const { stdout } = await build.run(['upgrade', 'myenv']);
  expect(stdout).toContain('The server still runs the old code. To load the new: sessapp reload myenv\n');
  const reloaded = await build.run(['reload', 'myenv']);
  expect(reloaded.exitCode).toBe(0);
  expect((await request(`${url}/profile`, { cookie })).body).toBe('현재 유저는 guest입니다.\n');
});
