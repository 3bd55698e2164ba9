import { mkdir, readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { finish, repository, Sandbox } from '../support/sandbox.ts';

const outside = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith('npm_')),
);

interface Packed {
  filename: string;
  size: number;
  files: { path: string }[];
}

async function pack(sandbox: Sandbox): Promise<Packed> {
  const args = ['pack', '--json', '--ignore-scripts', `--pack-destination=${sandbox.directory}`];
  const { stdout } = await finish(sandbox.spawn('npm', args, { cwd: repository }));
  const [packed] = JSON.parse(stdout) as Packed[];
  if (!packed) throw new Error(`npm pack printed ${stdout}`);
  return packed;
}

test('the package contains the command and its templates, and no development files', async () => {
  const { files, size } = await pack(new Sandbox());
  const tops = new Set(files.map(({ path }) => path.split('/').slice(0, 2).join('/')));
  for (const top of tops) {
    expect(top).toMatch(/^(package\.json|README\.md|README\.ko\.md|LICENSE|CHANGELOG\.md|bin\/.*|dist\/.*)$/);
  }
  const paths = files.map(({ path }) => path);
  expect(paths).toContain('dist/templates/shells/zsh/.zshenv');
  expect(paths).toContain('dist/templates/environment/gitignore');
  expect(paths.filter((path) => /\btests?\b|\.map$|tsconfig\.build/.test(path))).toEqual([]);
  expect(size).toBeLessThan(510_000);
});

test('after an install of the package into an empty directory, npx creates an environment that works', async () => {
  const sandbox = new Sandbox();
  const { filename } = await pack(sandbox);
  const cwd = sandbox.path('empty');
  await mkdir(cwd);
  const npm = (...args: string[]) => finish(sandbox.spawn(args[0] ?? '', args.slice(1), { cwd, env: outside }));
  expect(await npm('npm', 'install', '--no-audit', '--no-fund', sandbox.path(filename))).toMatchObject({ exitCode: 0 });
  const made = await npm('npx', 'sessapp', 'init', 'myenv', '--json');
  expect(made).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('"status":"created"') });
  const info = await npm('npx', 'sessapp', 'info', 'myenv', '--json');
  expect(JSON.parse(info.stdout)).toMatchObject({ dependencies: 'ready' });
  expect((await readdir(cwd)).sort()).toEqual(['myenv', 'node_modules', 'package-lock.json', 'package.json']);
});
