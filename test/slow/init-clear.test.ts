import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, link, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { identify } from '../../src/cli/environment/process-identity.ts';
import { readJson, snapshot } from '../support/files.ts';
import { Sandbox, untilEvent } from '../support/sandbox.ts';

const init = ['init', 'myenv', '--no-install'];

test('--clear keeps .env, data/ and one’s own files, and puts changed generated files aside', async () => {
  const sandbox = new Sandbox();
  await sandbox.sessapp(init);
  const at = (...names: string[]): string => sandbox.path('myenv', ...names);
  await mkdir(at('data'));
  for (const own of [at('data', 'sessions.mdb'), at('notes.txt'), at('session', 'mine.js')]) await writeFile(own, own);
  await appendFile(at('app.js'), '// mine\n');
  await chmod(at('app.js'), 0o600);
  await rm(at('README.md'));
  await mkdir(at('README.md'));
  await writeFile(at('README.md', 'chapter.md'), 'mine');
  await rm(at('.gitignore'));
  await symlink('notes.txt', at('.gitignore'));
  await rm(at('server.js'));
  const before = await snapshot(at());
  const cookie = (await readJson<{ cookie: string }>(at('sessapp.json'))).cookie;
  await rename(at(), sandbox.path('moved'));
  await rename(sandbox.path('moved'), at());

  const dryRun = JSON.parse((await sandbox.sessapp([...init, '--clear', '--dry-run', '--json'])).stdout);
  const result = await sandbox.sessapp([...init, '--clear', '--json']);
  const data = JSON.parse(result.stdout);
  expect(data).toMatchObject({ status: 'cleared', plan: { replaced: ['.gitignore', 'README.md', 'app.js'] } });
  expect(dryRun.plan).toEqual(data.plan);

  const after = await snapshot(at());
  for (const kept of ['.env', 'data/sessions.mdb', 'notes.txt', 'session/mine.js']) {
    expect([kept, after[kept]]).toEqual([kept, before[kept]]);
  }
  expect(data.replacedIn).toMatch(/^replaced-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d$/);
  for (const moved of ['app.js', 'README.md/chapter.md', '.gitignore']) {
    expect([moved, after[`${data.replacedIn}/${moved}`]]).toEqual([moved, before[moved]]);
  }
  expect(after['app.js']).not.toBe(before['app.js']);
  expect(Object.keys(after)).toContain('server.js');
  expect((await readJson<{ cookie: string }>(at('sessapp.json'))).cookie).toBe(cookie);
  expect((await readdir(at())).filter((name) => name.startsWith('.sessapp'))).toEqual([]);
});

test('the report of --clear names the folder, and an unchanged environment needs none', async () => {
  const sandbox = new Sandbox();
  await sandbox.sessapp(init);
  const clean = await sandbox.sessapp([...init, '--clear']);
  expect(clean.stdout).toContain('Made the environment myenv anew');
  expect(clean.stdout).not.toContain('replaced-');
  await appendFile(sandbox.path('myenv', 'app.js'), '// mine\n');
  const changed = await sandbox.sessapp([...init, '--clear']);
  const [folder = 'none'] = (await readdir(sandbox.path('myenv'))).filter((name) => name.startsWith('replaced-'));
  expect(changed.stdout).toContain(`What had been changed of the old one is in ${folder}`);
});

test('one’s own file stays where the new environment has one of that name', async () => {
  const sandbox = new Sandbox();
  await sandbox.sessapp(init);
  await mkdir(sandbox.path('myenv', '.node'));
  await writeFile(sandbox.path('myenv', 'bin', 'prompt.txt'), 'mine');
  const result = await sandbox.sessapp([...init, '--clear', '--prompt', 'shop', '--json']);
  expect(JSON.parse(result.stdout)).toMatchObject({ status: 'cleared', plan: { kept: ['.env', 'bin/prompt.txt'] } });
  expect(await readFile(sandbox.path('myenv', 'bin', 'prompt.txt'), 'utf8')).toBe('mine');
});

test.each([
  ['a directory with files', (s: Sandbox) => writeFile(s.path('myenv', 'mine'), 'mine'), 'not-an-environment'],
  ['a list that leads outside', (s: Sandbox) => forge(s, '../victim'), 'marker-damaged'],
  ['a list with the secret', (s: Sandbox) => forge(s, '.env'), 'marker-damaged'],
  ['a list with the sessions', (s: Sandbox) => forge(s, 'data/sessions.mdb'), 'marker-damaged'],
])('--clear is refused where there is %s', async (_, arrange, code) => {
  const sandbox = new Sandbox();
  await mkdir(sandbox.path('myenv'));
  await writeFile(sandbox.path('victim'), 'precious');
  await arrange(sandbox);
  const before = await snapshot(sandbox.directory);
  const result = await sandbox.sessapp([...init, '--clear', '--json']);
  expect(result.exitCode).toBe(1);
  expect(JSON.parse(result.stdout).error).toMatchObject({ code });
  expect(await snapshot(sandbox.directory)).toEqual(before);
});

async function forge(sandbox: Sandbox, path: string): Promise<void> {
  const files = { [path]: 'x' };
  const marker = { format: 1, template: 'minimal', store: 'embedded', language: 'javascript', cookie: 'c', files };
  await writeFile(sandbox.path('myenv', 'sessapp.json'), JSON.stringify(marker));
}

test('--clear is refused while the server of the environment runs', async () => {
  const sandbox = new Sandbox();
  const environment = await sandbox.environment();
  const server = sandbox.start(['serve', environment, '--port', '0', '--json']);
  await untilEvent(server, 'listening');
  const before = await readFile(join(environment, 'sessapp.json'), 'utf8');
  const result = await sandbox.sessapp(['init', environment, '--clear', '--no-install', '--json']);
  expect(result.exitCode).toBe(1);
  expect(JSON.parse(result.stdout).error).toMatchObject({ code: 'already-running' });
  expect(await readFile(join(environment, 'sessapp.json'), 'utf8')).toBe(before);
  server.kill('SIGTERM');
  await once(server, 'exit');
  expect((await sandbox.sessapp(['init', environment, '--clear', '--no-install'])).exitCode).toBe(0);
});

// The two states that a killed --clear can leave, made by hand; test/slow/kill-init.test.ts finds them by chance.
test.each([
  ['before the new marker is there: the old environment comes back', false],
  ['after it: the new one is completed, and the change is kept', true],
])('a --clear that was interrupted %s', async (_, isMarked) => {
  const sandbox = new Sandbox();
  await sandbox.sessapp(init);
  const at = (...names: string[]): string => sandbox.path('myenv', ...names);
  await appendFile(at('app.js'), '// mine\n');
  const before = await snapshot(at());
  await mkdir(at('.sessapp-old'));
  await mkdir(at('.sessapp-old', 'bin'));
  for (const path of ['sessapp.json', 'app.js', 'bin/activate']) await rename(at(path), at('.sessapp-old', path));
  const staged = at(await deadStaging());
  await mkdir(staged);
  await writeFile(join(staged, 'app.js'), 'new');
  await writeFile(join(staged, 'sessapp.json'), await readFile(at('.sessapp-old', 'sessapp.json')));

  await link(join(staged, 'app.js'), at('app.js'));
  if (isMarked) await link(join(staged, 'sessapp.json'), at('sessapp.json'));
  // Another attempt's, which had put nothing in its place yet.
  await mkdir(at(await deadStaging()));

  const refused = await sandbox.sessapp([...init, '--clear', '--dry-run', '--json']);
  expect(JSON.parse(refused.stdout).error).toMatchObject({ code: 'unsettled' });
  expect(await sandbox.sessapp(init)).toMatchObject({ exitCode: 0 });
  const after = await snapshot(at());
  const names = Object.keys(after);
  expect(names.filter((name) => name.startsWith('.sessapp'))).toEqual([]);
  if (!isMarked) return expect(after).toEqual(before);
  const backup = names.find((name) => /^replaced-[^/]+\/app\.js$/.test(name)) ?? 'none';
  expect(after[backup]).toBe(before['app.js']);
  expect(await readFile(at('app.js'), 'utf8')).toBe('new');
});

/** The name of a staging directory whose owner has ended. */
async function deadStaging(): Promise<string> {
  const child = spawn('sleep', ['60']);
  const owner = await identify(child.pid ?? 0);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return `.sessapp-staging-${owner?.pid}-${owner?.started}-${owner?.machine}`;
}
