import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { System } from '../../system.ts';
import { commandLine, nearPath } from '../shells/shells.ts';
import { type LockedPackage, readInstallation } from './installation.ts';

/** A package whose install script has not run: sessapp never runs install scripts. */
export interface UnrunScript {
  /** The package's name. */
  name: string;
  /** The script downloads or builds a native part, without which the package cannot be imported. */
  isNative: boolean;
}

/**
 * The packages whose install script has not run, and that lack its result. For a script without a native part, nothing
 * shows whether it ran later: a package in npm's `allowScripts` in package.json is therefore left out.
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

/** The command line that runs the scripts of these packages. */
export async function runScriptsLine(system: System, directory: string, names: string[]): Promise<string> {
  const prefix = ['--prefix', nearPath(system.cwd, directory)];
  return commandLine(system, directory, 'run', '--', 'npm', 'rebuild', ...names, ...prefix);
}

// Prebuilt packages exist per platform. npm installs the matching one as an optional dependency.
function hasPrebuilt(directory: string, { optionalDependencies = {} }: LockedPackage): boolean {
  return Object.keys(optionalDependencies).some((name) => existsSync(join(directory, 'node_modules', name)));
}

async function hasAddon(folder: string): Promise<boolean> {
  const names = await readdir(folder, { recursive: true });
  return names.some((name) => name.endsWith('.node') && !name.includes('node_modules'));
}
