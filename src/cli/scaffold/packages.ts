import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isThere } from '../../files.ts';
import type { System } from '../../system.ts';
import { carriedFolder } from './carried.ts';
import { installLocked } from './dependencies.ts';
import { withLock } from './directory-lock.ts';
import { type NpmOptions, runNpm } from './npm.ts';
import { withStaging } from './staging.ts';

/** npm copies local folders instead of linking them: an environment must not use files outside itself. */
export const copyFolders = '--install-links';

/**
 * Installs packages in an environment, and adds them to its package.json and lockfile.
 * @throws UserError when npm fails; package.json and the lockfile are then unchanged
 */
export async function installPackages(system: System, packages: string[], options: NpmOptions): Promise<void> {
  await withLock(options.directory, () => addPackages(system, packages, options));
}

/** Like `installPackages`, for a caller that already holds the lock of the directory. */
export async function addPackages(system: System, packages: string[], options: NpmOptions): Promise<void> {
  await withoutInstalledList(options.directory, () => runNpm(system, ['install', copyFolders, ...packages], options));
}

/**
 * Replaces package.json, and updates the lockfile and the installed packages to match.
 * @param packageJson the new content of package.json
 * @throws UserError when npm fails; package.json and the lockfile are then unchanged
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

// npm changes node_modules in place. An environment without npm's list of installed packages is not ready, and npm writes
// the list last. So the list is set aside first: if npm is killed, the environment is reported as not ready.
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

/** Replaces node_modules with exactly the packages of the lockfile. Nothing changes until the new node_modules is complete. */
export async function restorePackages(system: System, options: NpmOptions): Promise<void> {
  const { directory } = options;
  // Without the lock, two processes would replace each other's new node_modules.
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
 * Copies the files that npm reads into a staging directory inside the environment. Relative paths of local packages become
 * absolute, because they are relative to the environment, not to the staging directory.
 */
export async function stagePackages(directory: string, staging: string): Promise<void> {
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) {
    if (!(await isThere(join(directory, name)))) continue;
    await writeFile(join(staging, name), toAbsolute(await readFile(join(directory, name), 'utf8'), directory));
  }
  await copyCarried(directory, staging);
}

/** Copies the carried package, which package.json refers to, if there is one. */
export async function copyCarried(directory: string, staging: string): Promise<void> {
  if (!(await isThere(join(directory, carriedFolder)))) return;
  await mkdir(join(staging, carriedFolder), { recursive: true });
  for (const name of await readdir(join(directory, carriedFolder))) {
    if (name.endsWith('.tgz')) await copyFile(join(directory, carriedFolder, name), join(staging, carriedFolder, name));
  }
}

/** Makes the paths of the user's local folders and archives absolute in a package.json or lockfile. */
export function toAbsolute(json: string, directory: string): string {
  return json.replace(/"file:((?!\.sessapp\/|[/~])[^"]*)"/g, (_, path: string) =>
    JSON.stringify(`file:${resolve(directory, JSON.parse(`"${path}"`))}`),
  );
}

async function renameIfThere(from: string, to: string): Promise<void> {
  if (await isThere(from)) await rename(from, to);
}
