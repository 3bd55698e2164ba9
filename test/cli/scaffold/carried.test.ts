import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { packCarried } from '../../../src/cli/scaffold/carried.ts';
import { readJson, sha256 } from '../../support/files.ts';
import { finish, Sandbox } from '../../support/sandbox.ts';
import { type Locked, variants, writeVariant } from './variants.ts';

async function readCarried(environment: string): Promise<{ names: string[]; content: Buffer; path: string }> {
  const names = await readdir(join(environment, '.sessapp'));
  const path = `.sessapp/${names[0]}`;
  return { names, path, content: await readFile(join(environment, path)) };
}

test('packing the same files twice produces the same bytes and a name with their hash', () => {
  const { path, content, packageJson } = packCarried();
  expect(packCarried()).toEqual({ path, content, packageJson, integrity: expect.stringMatching(/^sha512-/) });
  expect(path).toBe(`.sessapp/sessapp-${packageJson.version}-${sha256(content).slice(0, 8)}.tgz`);
});

test("an environment's own copy of sessapp makes environments with the identical package", async () => {
  const sandbox = new Sandbox();
  const own = join(inject('environment'), 'node_modules', '.bin', 'sessapp');
  const made = await finish(sandbox.spawn('sh', ['-c', 'umask 077; "$0" init other --no-install', own]));
  expect(made).toMatchObject({ exitCode: 0, stderr: '' });
  const [first, second] = [await readCarried(inject('environment')), await readCarried(sandbox.path('other'))];
  expect(second.names).toEqual(first.names);
  expect(second.content.equals(first.content)).toBe(true);
});

test('package.json and the lockfile refer to the carried package, the lockfile with its integrity hash', async () => {
  const environment = inject('environment');
  const { names, path, content } = await readCarried(environment);
  expect(names).toHaveLength(1);
  const { dependencies } = await readJson<{ dependencies: object }>(environment, 'package.json');
  expect(dependencies).toMatchObject({ sessapp: `file:${path}` });
  const integrity = `sha512-${createHash('sha512').update(content).digest('base64')}`;
  const { packages } = await readJson<Locked>(environment, 'package-lock.json');
  expect(packages['node_modules/sessapp']).toMatchObject({ resolved: `file:${path}`, integrity });
});

const drivers: Record<string, string[]> = {
  embedded: ['lmdb', 'msgpackr'],
  redis: ['redis', '@redis/client'],
  postgres: ['pg', 'pg-protocol'],
};

test.each(variants)(
  'the lockfile of $template, $store, $language has only the needed packages, and no registry address',
  async (variant) => {
    const sandbox = new Sandbox();
    writeVariant(sandbox.path('made'), variant);
    const { packages } = await readJson<Locked>(sandbox.path('made', 'package-lock.json'));
    const names = Object.keys(packages).map((path) => path.split('node_modules/').at(-1));
    const own = drivers[variant.store] ?? [];
    const others = Object.values(drivers).flat();
    expect(names.filter((name) => others.includes(name ?? '')).sort()).toEqual([...own].sort());
    expect(names.includes('typescript')).toBe(variant.language === 'typescript');
    const addressed = Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined);
    expect(addressed.map(([path]) => path)).toEqual(['node_modules/sessapp']);
    const unlocked = Object.entries(packages).filter(([path, { integrity }]) => path !== '' && !integrity);
    expect(unlocked).toEqual([]);
  },
);
