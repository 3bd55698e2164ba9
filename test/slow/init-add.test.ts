import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { collect } from '../support/output.ts';
import { Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, request, serve, waitFor } from '../support/server.ts';

const events = ['preinstall', 'install', 'postinstall', 'prepare', 'prepack'];

/** A package in a folder. By default, each of its scripts would create a file. */
async function writePackage(
  sandbox: Sandbox,
  name: string,
  scripts: Record<string, string> = Object.fromEntries(
    events.map((event) => [event, `touch '${sandbox.path('script-ran')}'`]),
  ),
  peerDependencies = {},
): Promise<string> {
  const directory = sandbox.path(name);
  await mkdir(directory);
  const manifest = { name, version: '1.2.3', type: 'module', exports: './index.js', scripts, peerDependencies };
  await writeFile(join(directory, 'package.json'), JSON.stringify(manifest));
  await writeFile(join(directory, 'index.js'), `export const name = '${name}';\n`);
  return directory;
}

const readText = (...path: string[]): Promise<string> => readFile(join(...path), 'utf8');

test('install copies a folder and adds a package from the registry while the server runs; no script runs', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await writePackage(sandbox, 'tiny');
  const { url, child } = await serve(sandbox, environment);
  const added = await sandbox.sessapp(['install', '-e', environment, './tiny', 'is-number@7.0.0', '--json']);
  expect(added).toMatchObject({ exitCode: 0, stderr: '' });
  expect(JSON.parse(added.stdout)).toEqual({
    version: 1,
    status: 'installed',
    packages: ['./tiny', 'is-number@7.0.0'],
    dependencies: 'ready',
    scriptsNotRun: ['tiny'],
  });
  expect((await request(url)).status).toBe(200);
  expect(child.exitCode).toBeNull();
  const manifest = JSON.parse(await readText(environment, 'package.json'));
  expect(manifest.dependencies).toMatchObject({ tiny: 'file:../tiny', 'is-number': '^7.0.0' });
  expect(JSON.parse(await readText(environment, 'package-lock.json')).packages['node_modules/is-number']).toEqual({
    version: '7.0.0',
    integrity: expect.stringMatching(/^sha512-/),
    license: 'MIT',
    engines: expect.anything(),
  });
  expect(await readText(environment, 'package-lock.json')).not.toMatch(/"resolved": "http/);
  expect((await stat(join(environment, 'node_modules', 'tiny'))).isDirectory()).toBe(true);
  expect(await readdir(sandbox.directory)).toEqual(['myenv', 'tiny']);

  child.kill('SIGTERM');
  await collect(child).ended;
  await writeFile(
    join(environment, 'app.js'),
    "import { name } from 'tiny'; export const routes = (app) => app.get('/', (q, s) => s.send(name));",
  );
  const again = await serve(sandbox, environment);
  expect((await request(again.url)).body).toBe('tiny');

  const lockfile = await readText(environment, 'package-lock.json');
  await sandbox.spawn('rm', ['-rf', join(environment, 'node_modules')]);
  await waitFor(async () => !(await readdir(environment)).includes('node_modules'));
  const restored = await sandbox.sessapp(['install'], { cwd: join(environment, 'bin') });
  expect(restored).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^myenv has the packages of its lockfile\.\nNot run: the install scripts of tiny\./),
  });
  expect(await readText(environment, 'package-lock.json')).toBe(lockfile);
  expect(await readText(environment, 'node_modules', 'tiny', 'index.js')).toContain('tiny');
  expect(await readdir(sandbox.directory)).toEqual(['myenv', 'tiny']);
});

test('an npm option is refused, with the command that accepts it', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const result = await sandbox.sessapp(['install', '-e', environment, '--', '--global']);
  expect(result).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('sessapp run -- npm install') });
});

test('install and doctor report a package with an unbuilt native part, until the printed command has run', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const make = "fs.mkdirSync('build'); fs.writeFileSync('build/fast.node', '')";
  await writePackage(sandbox, 'fast', { install: `node -e "${make}"` });
  await writeFile(sandbox.path('fast', 'binding.gyp'), '{}');
  await writePackage(sandbox, 'chatty', { postinstall: 'echo' });
  const added = await sandbox.sessapp(['install', '-e', 'myenv', './fast', './chatty']);
  const typed = 'run -e myenv -- npm rebuild';
  expect(added.stdout).toContain(`scripts of chatty, fast. If you trust them, type: sessapp ${typed} chatty fast`);
  const examine = async () => {
    const { stdout } = await sandbox.sessapp(['doctor', 'myenv', '--json']);
    const { findings } = JSON.parse(stdout) as { findings: { check: string; level: string; remedy: string }[] };
    return findings.filter(({ check }) => check === 'install-scripts').map(({ level, remedy }) => [level, remedy]);
  };
  const line = (name: string) => expect.stringContaining(`sessapp ${typed} ${name} --prefix myenv`);
  expect(await examine()).toEqual([
    ['problem', line('fast')],
    ['note', line('chatty')],
  ]);
  const words = [...typed.split(' '), 'fast', '--prefix', 'myenv'];
  expect(await sandbox.sessapp(words)).toMatchObject({ exitCode: 0 });
  expect(await examine()).toEqual([['note', line('chatty')]]);
  const manifest = JSON.parse(await readText(environment, 'package.json'));
  await writeFile(join(environment, 'package.json'), JSON.stringify({ ...manifest, allowScripts: { chatty: false } }));
  expect(await examine()).toEqual([['ok', null]]);
});

test.each([
  [
    './old',
    /While resolving: myenv@.*Found: express@5.*peer express@"\^4" from old@1\.2\.3.*\nChoose another version/s,
  ],
  ['nobody-has-this', /'nobody-has-this@\*'.*\nCheck the spelling of the package/s],
  ['./nowhere', /nowhere\/package\.json.*\nCheck the path/s],
  ['is-number@^^^', /Invalid tag name.*\nWrite a version as npm does/],
])('when %s cannot be installed, the error has the full reason from npm and a remedy', async (name, words) => {
  const sandbox = new Sandbox();
  await copyEnvironment(sandbox);
  await writePackage(sandbox, 'old', {}, { express: '^4' });
  const registry = createServer((_, response) => response.writeHead(404).end('{}')).listen(0, '127.0.0.1');
  onTestFinished(() => void registry.close());
  await once(registry, 'listening');
  // For './old', npm needs the versions of express, so it keeps the real cache and registry.
  const env = name !== './old' && {
    npm_config_registry: `http://127.0.0.1:${(registry.address() as AddressInfo).port}`,
    npm_config_cache: sandbox.path('cache'),
  };
  const { exitCode, stdout, stderr } = await sandbox.sessapp(['install', '-e', 'myenv', name], { ...(env && { env }) });
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toMatch(words);
  expect(stderr).not.toMatch(/network|_logs/);
});
