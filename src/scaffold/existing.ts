import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { envFileName } from '../environment/secrets.ts';
import { hasCode, UserError } from '../errors.ts';
import type { PackageFragment } from './layers.ts';
import type { Plan } from './plan.ts';

/**
 * The plan without the files that the directory has already: a file that exists is never replaced.
 * (`clear` replaces what an earlier `init` wrote, and keeps `.env`.)
 * @throws UserError when what exists could not work as a part of an environment
 */
export async function keepExisting(plan: Plan): Promise<Plan> {
  const replaceable =
    plan.action === 'clear' ? plan.files.map(({ path }) => path).filter((path) => path !== envFileName) : [];
  const kept: string[] = [];
  for (const { path } of plan.files) {
    if (!replaceable.includes(path) && (await isThere(join(plan.directory, path)))) kept.push(path);
  }
  const manifest = plan.files.find(({ path }) => path === 'package.json')?.content;
  if (kept.includes('package.json') && manifest !== undefined) {
    await verifyDependencies(plan.directory, JSON.parse(manifest) as PackageFragment);
    // Another package.json than ours needs another lockfile than ours.
    if (!kept.includes('package-lock.json')) kept.push('package-lock.json');
  }
  return { ...plan, kept: kept.sort(), files: plan.files.filter(({ path }) => !kept.includes(path)) };
}

export async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}

async function verifyDependencies(directory: string, needed: PackageFragment): Promise<void> {
  const existing = await readPackage(directory);
  const missing = Object.entries(needed.dependencies ?? {}).filter(
    ([name]) => existing.dependencies?.[name] === undefined,
  );
  if (missing.length === 0 && existing.type === 'module') return;
  const packages = missing.map(([name, range]) => `${name}@${range}`).join(' ');
  throw new UserError(
    'package-json-conflict',
    `${join(directory, 'package.json')} exists, and an environment needs ${missing.length === 0 ? '"type": "module" in it' : 'packages that it does not list'}.`,
    missing.length === 0
      ? 'Add "type": "module" to it, or make the environment in another directory.'
      : `Add them (npm install ${packages}) and "type": "module", or make the environment in another directory.`,
  );
}

async function readPackage(directory: string): Promise<PackageFragment & { type?: string }> {
  try {
    return JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as PackageFragment;
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
