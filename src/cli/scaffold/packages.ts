import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isThere } from '../../files.ts';
import type { System } from '../../system.ts';
import { carriedFolder } from './carried.ts';
import { installLocked } from './dependencies.ts';
import { withLock } from './directory-lock.ts';
import { type NpmOptions, runNpm } from './npm.ts';
import { withStaging } from './staging.ts';

/** A folder is copied, not linked: an environment takes nothing from outside itself when it runs. */
export const copyFolders = '--install-links';

/**
 * Adds packages to an environment, and to its package.json and lockfile.
 * @throws UserError when npm fails, and then package.json and lockfile are as they were
 */
export async function installPackages(system: System, packages: string[], options: NpmOptions): Promise<void> {
  await withLock(options.directory, () => addPackages(system, packages, options));
}

/** The same for a caller that holds the lock of the directory. */
export async function addPackages(system: System, packages: string[], options: NpmOptions): Promise<void> {
  await withoutInstalledList(options.directory, () => runNpm(system, ['install', copyFolders, ...packages], options));
}

/**
 * Brings what is installed, and the lockfile, in line with another package.json.
 * @param packageJson the content of package.json
 * @throws UserError when npm fails, and then package.json and lockfile are as they were
 */
export async function changePackages(system: System, packageJson: string, options: NpmOptions): Promise<void> {
  const path = join(options.directory, 'package.json');
  await withLock(options.directory, async () => {
    const before = await readFile(path, 'utf8');
    await writeFile(path, packageJson);
    try {
      await withoutInstalledList(options.directory, () => runNpm(system, ['install', copyFolders], options));
    } catch (error) {
      await writeFile(path, before);
      throw error;
    }
  });
}

// npm works in place. Without its list of what is installed an environment is not ready, so that one whose
// installation was killed half-way says so; npm writes the list when it has come to its end.
async function withoutInstalledList(directory: string, work: () => Promise<unknown>): Promise<void> {
  const list = join(directory, 'node_modules', '.package-lock.json');
  const aside = `${list}.before`;
  await renameIfThere(list, aside);
  try {
    await work();
    await rm(aside, { force: true });
  } catch (error) {
    await renameIfThere(aside, list);
    throw error;
  }
}

/** Puts exactly what the lockfile says in the place of what is installed; until that is complete, nothing changes. */
export async function restorePackages(system: System, options: NpmOptions): Promise<void> {
  const { directory } = options;
  // Two at once would take each other's new node_modules for the old one.
  await withLock(directory, () =>
    withStaging(directory, async (staging) => {
      await stagePackages(directory, staging);
      await installLocked(system, { ...options, directory: staging }, copyFolders);
      await renameIfThere(join(directory, 'node_modules'), join(staging, 'replaced'));
      await renameIfThere(join(staging, 'node_modules'), join(directory, 'node_modules'));
    }),
  );
}

/**
 * Puts what npm reads of an environment into a staging directory inside it. A folder that package.json names is found from
 * the environment, not from there.
 */
export async function stagePackages(directory: string, staging: string): Promise<void> {
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) {
    if (!(await isThere(join(directory, name)))) continue;
    await writeFile(join(staging, name), toAbsolute(await readFile(join(directory, name), 'utf8'), directory));
  }
  await copyCarried(directory, staging);
}

/** Copies the carried package, which package.json names, where there is one. */
export async function copyCarried(directory: string, staging: string): Promise<void> {
  if (!(await isThere(join(directory, carriedFolder)))) return;
  await mkdir(join(staging, carriedFolder), { recursive: true });
  for (const name of await readdir(join(directory, carriedFolder))) {
    if (name.endsWith('.tgz')) await copyFile(join(directory, carriedFolder, name), join(staging, carriedFolder, name));
  }
}

/** A package.json or lockfile in which the folders and archives of the user's own are named by their whole path. */
export function toAbsolute(json: string, directory: string): string {
  return json.replace(/"file:((?!\.sessapp\/|[/~])[^"]*)"/g, (_, path: string) =>
    JSON.stringify(`file:${resolve(directory, JSON.parse(`"${path}"`))}`),
  );
}

async function renameIfThere(from: string, to: string): Promise<void> {
  if (await isThere(from)) await rename(from, to);
}
