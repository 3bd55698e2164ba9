import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { System } from '../../system.ts';
import { commandLine, nearPath } from '../shells/shells.ts';
import { type LockedPackage, readInstallation } from './installation.ts';

/** A package with an install script, which sessapp never runs. */
export interface UnrunScript {
  /** The package's name. */
  name: string;
  /** It has a native part, which the script would have fetched or built: the package cannot be imported without. */
  isNative: boolean;
}

/**
 * The packages whose install script was not run, and that do not have the result from elsewhere. That a script without a
 * native part was run later leaves no trace; `allowScripts` in package.json, which is npm's, says that it was decided.
 */
export async function findUnrunScripts(directory: string): Promise<UnrunScript[]> {
  const { packageJson, lockfile } = await readInstallation(directory);
  const packages = lockfile?.packages ?? {};
  const decided = Object.keys(packageJson?.allowScripts ?? {});
  const found: UnrunScript[] = [];
  for (const [path, locked] of Object.entries(packages)) {
    const folder = join(directory, path);
    const name = path.replace(/^.*node_modules\//, '');
    if (!locked?.hasInstallScript || !existsSync(folder) || hasPrebuilt(directory, locked)) continue;
    const isNative = existsSync(join(folder, 'binding.gyp'));
    if (isNative ? await hasAddon(folder) : decided.includes(name)) continue;
    found.push({ name, isNative });
  }
  return found;
}

/** What to type to run the scripts of these packages. */
export async function runScriptsLine(system: System, directory: string, names: string[]): Promise<string> {
  const prefix = ['--prefix', nearPath(system.cwd, directory)];
  return commandLine(system, directory, 'run', '--', 'npm', 'rebuild', ...names, ...prefix);
}

// One for each platform, of which npm installs the one that fits.
function hasPrebuilt(directory: string, { optionalDependencies = {} }: LockedPackage): boolean {
  return Object.keys(optionalDependencies).some((name) => existsSync(join(directory, 'node_modules', name)));
}

async function hasAddon(folder: string): Promise<boolean> {
  const names = await readdir(folder, { recursive: true });
  return names.some((name) => name.endsWith('.node') && !name.includes('node_modules'));
}
