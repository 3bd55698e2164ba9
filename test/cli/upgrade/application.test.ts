import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { planUpgrade } from '../../../src/cli/upgrade/plan.ts';
import { type Marker, markerName } from '../../../src/settings/marker.ts';
import { readJson } from '../../support/files.ts';
import { Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment } from '../../support/server.ts';

const others = ['pages.js', 'public/icon.svg', 'public/style.css'];

/** The parts of the plan of an upgrade that concern the application. */
async function plan(directory: string) {
  const marker = await readJson<Marker>(directory, markerName);
  const { written, removed, kept } = await planUpgrade({ directory, marker, isOld: false });
  const marked = JSON.parse(String(written.get(markerName) ?? '{"files":{}}')) as Marker;
  return { written: [...written.keys()], removed, kept, marked: Object.keys(marked.files) };
}

test('upgrade does not add pages to an application that was made before its template had them', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  await writeFile(join(directory, 'app.js'), 'export function routes(app) {}\n');
  const marker = await readJson<Marker>(directory, markerName);
  for (const path of others) {
    await rm(join(directory, path));
    delete marker.files[path];
  }
  await writeFile(join(directory, markerName), JSON.stringify(marker));
  const { written, marked } = await plan(directory);
  expect(written.filter((path) => ['app.js', ...others].includes(path))).toEqual([]);
  expect(marked.filter((path) => others.includes(path))).toEqual([]);
});

test('application files that the user deleted or changed are not written again, and doctor reports no problem', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  await writeFile(join(directory, 'app.js'), 'export function routes(app) {}\n');
  await rm(join(directory, 'pages.js'));
  await writeFile(join(directory, 'public', 'style.css'), 'body {}\n');
  expect(await plan(directory)).toMatchObject({ written: [], removed: [], kept: [] });
  const { stdout } = await sandbox.sessapp(['doctor', 'myenv'], { env: { PORT: '0' } });
  expect(stdout).toMatch(/^0 problems, 0 notes/m);
});

test('a deleted application is written again completely', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  for (const path of ['app.js', ...others]) await rm(join(directory, path));
  expect((await plan(directory)).written).toEqual(['app.js', ...others]);
  await sandbox.sessapp(['upgrade', 'myenv']);
  expect(await readFile(join(directory, 'pages.js'), 'utf8')).toContain('export async function show');
});
