import { chmod, chown, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readJson } from '../../support/files.ts';
import { invoke } from '../../support/in-process.ts';
import { canActAsStranger, onlyAsRoot, stranger } from '../../support/privileges.ts';
import { Sandbox } from '../../support/sandbox.ts';

const written: Record<string, string[]> = {
  docker: ['.dockerignore', 'Dockerfile'],
  compose: ['.dockerignore', 'Dockerfile', 'compose.yaml'],
  systemd: ['deploy/shop.service'],
  kubernetes: [
    '.dockerignore',
    'Dockerfile',
    'deploy/kubernetes/deployment.yaml',
    'deploy/kubernetes/service.yaml',
    'deploy/kubernetes/volume-claim.yaml',
  ],
};

async function createEnvironment(name = 'shop'): Promise<{ sandbox: Sandbox; directory: string }> {
  const sandbox = new Sandbox();
  const made = await invoke(sandbox.directory, ['init', name, '--no-install']);
  expect(made.exitCode).toBe(0);
  return { sandbox, directory: sandbox.path(name) };
}

async function setMarker(directory: string, changes: object): Promise<void> {
  const marker = await readJson<object>(join(directory, 'sessapp.json'));
  await writeFile(join(directory, 'sessapp.json'), JSON.stringify({ ...marker, ...changes }));
}

test.each(Object.keys(written))(
  'deploy %s writes its files; a second time nothing changes; a dry run shows the same and writes nothing',
  async (target) => {
    const { directory } = await createEnvironment();
    const before = await readdir(directory, { recursive: true });
    const deploy = async (...options: string[]) =>
      JSON.parse((await invoke(directory, ['deploy', target, '--json', ...options])).stdout);
    const planned = await deploy('--dry-run');
    expect(planned).toMatchObject({ status: 'planned', target });
    expect(await readdir(directory, { recursive: true })).toEqual(before);
    const { status, files } = await deploy();
    expect(status).toBe('deployed');
    expect(files).toEqual(written[target]?.map((path) => ({ path, state: 'written' })));
    for (const { path, content } of planned.files) expect(await readFile(join(directory, path), 'utf8')).toBe(content);
    expect((await deploy()).files.map(({ state }: { state: string }) => state)).toEqual(files.map(() => 'unchanged'));
    const after = (await readdir(directory, { recursive: true })).filter((path) => !before.includes(path));
    const isFolder = (path: string): boolean => ['data', 'deploy', 'deploy/kubernetes'].includes(path);
    expect(after.filter((path) => !isFolder(path)).sort()).toEqual([...(written[target] ?? [])].sort());
  },
);

test('the image gets no npm token and no git history, and systemd restarts the server without a limit', async () => {
  const { directory } = await createEnvironment();
  for (const target of ['docker', 'systemd']) await invoke(directory, ['deploy', target]);
  const ignored = (await readFile(join(directory, '.dockerignore'), 'utf8')).split('\n');
  expect(ignored).toEqual(expect.arrayContaining(['.npmrc', '.git', '.env', 'data']));
  expect(await readFile(join(directory, 'deploy', 'shop.service'), 'utf8')).toContain('\nStartLimitIntervalSec=0\n');
});

test('deploy systemd makes the data folder that its unit needs, and leaves an existing one alone', async () => {
  const { directory } = await createEnvironment();
  const data = join(directory, 'data');
  await invoke(directory, ['deploy', 'systemd', '--dry-run']);
  await expect(stat(data)).rejects.toThrow('ENOENT');
  await invoke(directory, ['deploy', 'systemd']);
  expect((await stat(data)).mode & 0o777).toBe(0o700);
  await chmod(data, 0o750);
  await invoke(directory, ['deploy', 'systemd']);
  expect((await stat(data)).mode & 0o777).toBe(0o750);
});

test('an existing file of any kind is not changed, and is reported', async () => {
  const { directory } = await createEnvironment();
  await writeFile(join(directory, 'Dockerfile'), 'FROM mine\n');
  await symlink('nowhere', join(directory, 'compose.yaml'));
  const { exitCode, stdout } = await invoke(directory, ['deploy', 'compose']);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/Dockerfile: exists already with other content/);
  expect(stdout).toMatch(/compose\.yaml: exists already with other content/);
  expect(await readFile(join(directory, 'Dockerfile'), 'utf8')).toBe('FROM mine\n');
  expect((await lstat(join(directory, 'compose.yaml'))).isSymbolicLink()).toBe(true);
});

test('no file of any target holds the secret, and the image leaves .env and data out', async () => {
  const { directory } = await createEnvironment();
  const secret = /^SESSION_SECRET=(.+)$/m.exec(await readFile(join(directory, '.env'), 'utf8'))?.[1] ?? '';
  expect(secret).toHaveLength(43);
  for (const [target, paths] of Object.entries(written)) {
    await invoke(directory, ['deploy', target]);
    for (const path of paths) expect(await readFile(join(directory, path), 'utf8')).not.toContain(secret);
  }
  const ignored = (await readFile(join(directory, '.dockerignore'), 'utf8')).split('\n');
  expect(ignored).toEqual(expect.arrayContaining(['.env', 'data', '**/*.mdb', 'node_modules', '.git']));
});

test('the image has the carried package before npm ci, but not the packages that an upgrade replaced', async () => {
  const { directory } = await createEnvironment();
  await invoke(directory, ['deploy', 'docker']);
  const text = await readFile(join(directory, 'Dockerfile'), 'utf8');
  const steps = ['COPY package.json package-lock.json ./', 'COPY .sessapp ./.sessapp', 'RUN npm ci'];
  const places = steps.map((step) => text.indexOf(step));
  expect(places.every((place) => place > 0)).toBe(true);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  const ignored = (await readFile(join(directory, '.dockerignore'), 'utf8')).split('\n');
  expect(ignored.filter((line) => line.includes('.sessapp'))).toEqual([
    '.sessapp-*',
    '.sessapp/next',
    '.sessapp/previous',
  ]);
  expect(ignored).not.toContain('*.tgz');
});

test('where port 5000 of a container is published, PORT and HOST in .env do not move the server', async () => {
  const { directory } = await createEnvironment();
  const { stdout } = await invoke(directory, ['deploy', 'docker']);
  for (const target of ['compose', 'kubernetes']) await invoke(directory, ['deploy', target]);
  const read = (path: string) => readFile(join(directory, path), 'utf8');
  const set = { NODE_ENV: 'production', HOST: '0.0.0.0', PORT: '5000' };
  for (const [name, value] of Object.entries(set)) {
    expect(stdout).toMatch(new RegExp(`--env-file \\.env .*--env ${name}=${value} .*:5000`));
    expect(await read('compose.yaml')).toMatch(new RegExp(`^      ${name}: "?${value}"?$`, 'm'));
    expect(await read('deploy/kubernetes/deployment.yaml')).toMatch(
      new RegExp(`name: ${name}\\n +value: "?${value}"?$`, 'm'),
    );
  }
});

test('the files depend on the language, the Node.js version and the store of the environment', async () => {
  const { directory } = await createEnvironment();
  const read = async (path: string): Promise<string> => readFile(join(directory, path), 'utf8');
  await setMarker(directory, { language: 'typescript', node: '24.1.0', store: 'redis' });
  for (const target of Object.keys(written)) await invoke(directory, ['deploy', target]);
  expect(await read('Dockerfile')).toMatch(/^FROM node:24\.1\.0-slim AS dependencies$.*"server\.ts"/ms);
  expect(await read('compose.yaml')).toMatch(/appendfsync always.*noeviction/s);
  expect(await read('deploy/shop.service')).toContain(`ExecStart="${directory}/bin/node" server.ts`);
  const deployment = await read('deploy/kubernetes/deployment.yaml');
  expect(deployment).toMatch(/replicas: 2/);
  expect(deployment).toMatch(/name: STORE_URL\n\s+valueFrom:\n\s+secretKeyRef/);
  expect(await readdir(join(directory, 'deploy', 'kubernetes'))).toEqual([
    'deployment.yaml',
    'disruption-budget.yaml',
    'service.yaml',
  ]);
});

test.each([
  ['my 한글 shop\'s $(x) %h; "q"', 'my-shop-s-x-h-q'],
  ['42', 'session-server-42'],
  ['한글', 'session-server'],
  ['x'.repeat(200), 'x'.repeat(50)],
])(
  'the name %j is changed so that every target accepts it, and no part acts as a specifier or variable',
  async (name, label) => {
    const { directory } = await createEnvironment(name);
    await invoke(directory, ['deploy', 'systemd']);
    const unit = await readFile(join(directory, 'deploy', `${label}.service`), 'utf8');
    expect(unit).not.toMatch(/[^%]%[^%]/);
    expect(unit).toContain(`\nWorkingDirectory=${directory.replaceAll('%', '%%')}\n`);
    // Without workers, a reload would stop the server.
    expect(unit).toMatch(/\nExecReload=\/bin\/kill -HUP \$MAINPID\n(.*\n)*Environment=WORKERS=1\n/);
    await invoke(directory, ['deploy', 'compose']);
    expect(await readFile(join(directory, 'compose.yaml'), 'utf8')).toContain(`\nname: ${label}\n`);
  },
);

test('a missing or unknown target is an error that lists the targets', async () => {
  const { directory } = await createEnvironment();
  const none = await invoke(directory, ['deploy']);
  expect(none).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('deploy docker, deploy compose') });
  const wrong = await invoke(directory, ['deploy', 'dokcer']);
  expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('Did you mean docker?') });
});

const archive = { version: '1.0.0', integrity: 'sha512-AA==' };

/** Adds entries to the environment's package.json and lockfile, as npm writes them. */
async function addPackages(
  directory: string,
  manifest: Record<string, object>,
  packages: Record<string, object>,
): Promise<void> {
  for (const [name, added] of Object.entries({ 'package.json': manifest, 'package-lock.json': { packages } })) {
    const file = join(directory, name);
    const content = await readJson<Record<string, object>>(file);
    for (const [key, value] of Object.entries(added)) content[key] = { ...content[key], ...value };
    await writeFile(file, JSON.stringify(content));
  }
}

test.each<[string, Record<string, object>, Record<string, object>, string]>([
  [
    'a folder',
    { dependencies: { mine: 'file:../mine' } },
    { 'node_modules/mine': { version: '1.0.0', resolved: 'file:../mine' } },
    'mine (file:../mine)',
  ],
  [
    'a linked folder',
    { dependencies: { mine: 'file:packages/mine' } },
    { 'node_modules/mine': { resolved: 'packages/mine', link: true }, 'packages/mine': { version: '1.0.0' } },
    'mine (file:packages/mine)',
  ],
  [
    'an archive',
    { dependencies: { '@my/own': 'file:own-1.0.0.tgz' } },
    { 'node_modules/@my/own': { ...archive, resolved: 'file:own-1.0.0.tgz' } },
    '@my/own (file:own-1.0.0.tgz)',
  ],
  [
    'a repository of this machine that another package needs',
    {},
    { 'node_modules/a/node_modules/b': { version: '1.0.0', resolved: 'git+file:///srv/b#1a2b3c' } },
    'b (git+file:///srv/b#1a2b3c)',
  ],
  ['an archive that is not installed yet', { optionalDependencies: { o: 'file:o.tgz' } }, {}, 'o (file:o.tgz)'],
  [
    'a development folder whose package.json npm reads',
    { devDependencies: { mine: 'file:../mine' } },
    { 'node_modules/mine': { version: '1.0.0', resolved: 'file:../mine', dev: true } },
    'mine (file:../mine)',
  ],
])('an image that would need %s is refused', async (_, manifest, packages, named) => {
  const { directory } = await createEnvironment();
  await addPackages(directory, manifest, packages);
  const before = await readdir(directory, { recursive: true });
  for (const words of [['docker'], ['compose'], ['kubernetes'], ['docker', '--dry-run']]) {
    const { exitCode, stderr } = await invoke(directory, ['deploy', ...words]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`from a local folder or archive: ${named}.\nPack each one into .sessapp/`);
  }
  expect(await readdir(directory, { recursive: true })).toEqual(before);
  expect((await invoke(directory, ['deploy', 'systemd'])).exitCode).toBe(0);
});

test('an image may use archives in .sessapp, and development packages do not matter', async () => {
  const { directory } = await createEnvironment();
  await addPackages(
    directory,
    {
      dependencies: { own: 'file:.sessapp/own.tgz' },
      devDependencies: { tool: 'file:tool.tgz', linked: 'file:linked' },
    },
    {
      'node_modules/own': { ...archive, resolved: 'file:.sessapp/own.tgz' },
      'node_modules/tool': { ...archive, resolved: 'file:tool.tgz', dev: true },
      'node_modules/linked': { resolved: 'linked', link: true },
      linked: { version: '1.0.0', dev: true },
    },
  );
  expect((await invoke(directory, ['deploy', 'docker'])).exitCode).toBe(0);
});

test.each([
  ['docker', ['docker build --tag shop .', 'docker run --init --env-file .env .* --volume shop:/app/data shop']],
  ['compose', ['docker compose up --build --detach']],
  ['systemd', ['sudo cp deploy/shop.service /etc/systemd/system/', 'sudo systemctl enable --now shop']],
  [
    'kubernetes',
    [
      'docker build --tag shop:latest .',
      'kubectl create secret generic shop --from-env-file=.env',
      'kubectl apply --filename deploy/kubernetes',
    ],
  ],
])('deploy %s prints the next commands for the working directory', async (target, lines) => {
  const { sandbox, directory } = await createEnvironment();
  const next = (...before: string[]) =>
    new RegExp(`\nNext:\n${[...before, ...lines].map((line) => `  ${line}\n`).join('')}$`);
  expect((await invoke(directory, ['deploy', target, '--dry-run'])).stdout).not.toContain('Next:');
  expect((await invoke(directory, ['deploy', target])).stdout).toMatch(next());
  // Also when the files exist already.
  expect((await invoke(sandbox.directory, ['deploy', target, '-e', 'shop'])).stdout).toMatch(next('cd shop'));
});

test.skipIf(!canActAsStranger)(
  `deploy systemd warns about a unit that runs as root, and only about such a unit${onlyAsRoot}`,
  async () => {
    const { directory } = await createEnvironment();
    const deploy = (...words: string[]) => invoke(directory, ['deploy', ...words]);
    for (const words of [['systemd', '--dry-run'], ['systemd'], ['systemd', '--json']]) {
      const { stderr, exitCode } = await deploy(...words);
      expect(exitCode).toBe(0);
      expect(stderr).toContain(`warning: deploy/shop.service runs the server as root, because root owns ${directory}.`);
    }
    expect((await deploy('docker')).stderr).toBe('');
    await chown(directory, stranger.uid, stranger.gid);
    expect((await deploy('systemd')).stderr).toBe('');
    await mkdir(join(directory, 'deploy'), { recursive: true });
    await writeFile(join(directory, 'deploy', 'shop.service'), '[Service]\nUser=shop\n');
    expect((await deploy('systemd')).stderr).toBe('');
  },
);

test.each([
  ['redis', 6379],
  ['postgres', 5432],
])('pods with the store %s prefer different nodes', async (store, port) => {
  const { directory } = await createEnvironment();
  await setMarker(directory, { store });
  expect((await invoke(directory, ['deploy', 'kubernetes', '--network-policy'])).exitCode).toBe(0);
  const read = (name: string) => readFile(join(directory, 'deploy', 'kubernetes', name), 'utf8');
  expect(await read('deployment.yaml')).toMatch(
    /podAntiAffinity:\n\s+preferredDuring(.*\n)+?\s+topologyKey: kubernetes\.io\/hostname\n(.*\n){2}\s+app\.kubernetes\.io\/name: shop\n/,
  );
  expect(await read('network-policy.yaml')).toContain(`- port: ${port}\n`);
});

test('a NetworkPolicy is written only with --network-policy and only for Kubernetes', async () => {
  const { directory } = await createEnvironment();
  await invoke(directory, ['deploy', 'kubernetes']);
  const folder = join(directory, 'deploy', 'kubernetes');
  expect(await readdir(folder)).not.toContain('network-policy.yaml');
  await invoke(directory, ['deploy', 'kubernetes', '--network-policy']);
  const policy = await readFile(join(folder, 'network-policy.yaml'), 'utf8');
  expect(policy).toMatch(/kind: NetworkPolicy\n(.*\n)*\s+- port: http\n/);
  expect(policy).not.toMatch(/STORE_URL|\{\{/);
  const wrong = await invoke(directory, ['deploy', 'docker', '--network-policy']);
  expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('is only for kubernetes') });
});
