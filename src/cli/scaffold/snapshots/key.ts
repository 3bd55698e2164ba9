import { closeSync, openSync, readSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { orUndefined } from '../../../errors.ts';
import { parseJson, readJson, readTextIfThere } from '../../../files.ts';
import type { System } from '../../../system.ts';
import type { Lockfile } from '../../environment/installation.ts';
import { sha256 } from '../hash.ts';

/** The content of the files that npm reads. Undefined: the file does not exist. */
export interface Project {
  packageJson: string | undefined;
  lockfile: string | undefined;
  /** .npmrc */
  settings: string | undefined;
}

export async function readProject(directory: string): Promise<Project> {
  const read = (name: string) => readTextIfThere(join(directory, name), 'EACCES');
  return {
    packageJson: await read('package.json'),
    lockfile: await read('package-lock.json'),
    settings: await read('.npmrc'),
  };
}

/**
 * The cache key of the tree that `npm ci` makes for a project: a hash of everything that decides its content. These are the
 * lockfile, package.json and npm settings (without the project's name), the operating system, the processor, the C library,
 * Node.js's ABI and npm's major version.
 * @returns undefined when one of these is unknown, or a package has no checksum, such as a folder, whose content may change
 */
export async function snapshotKey(system: System, project: Project): Promise<string | undefined> {
  const { settings } = project;
  const lockfile = parseJson<Partial<Lockfile>>(project.lockfile);
  const { '': root, ...packages } = lockfile?.packages ?? {};
  const packageJson = parseJson<object>(project.packageJson);
  const npm = await npmMajor(system);
  const isFixed = Object.values(packages).every(({ integrity, inBundle }) => integrity !== undefined || inBundle);
  if (!root || !packageJson || !isFixed || npm === undefined) return undefined;
  const { platform, arch, versions } = process;
  const on = { platform, arch, libc: cLibrary(), abi: versions.modules, npm, settings };
  return sha256(JSON.stringify([packages, dependencies(root), dependencies(packageJson), on])).slice(0, 40);
}

function dependencies(packageJson: object): unknown[] {
  return Object.entries(packageJson).filter(([name]) => /dependencies|overrides|workspaces/i.test(name));
}

// The Node.js program names the loader that it needs. The file system may contain the loaders of both C libraries.
function cLibrary(): string {
  if (process.platform !== 'linux') return '';
  const file = openSync(process.execPath, 'r');
  const start = Buffer.alloc(4096);
  readSync(file, start);
  closeSync(file);
  return start.includes('ld-musl') ? 'musl' : 'glibc';
}

// `npm --version` takes 200 ms. npm's package.json is next to its program, unless that is a wrapper.
async function npmMajor({ env, run, cwd }: System): Promise<string | undefined> {
  const version = (await readNpmVersion(env.PATH ?? '')) ?? (await run('npm', ['--version'], { cwd, env })).stdout;
  return /^(\d+)\./.exec(version)?.[1];
}

async function readNpmVersion(path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter).filter((name) => name !== '')) {
    const program = await orUndefined(realpath(join(folder, 'npm')), 'ENOENT', 'ENOTDIR', 'EACCES');
    if (program === undefined) continue;
    const path = join(program, '..', '..', 'package.json');
    const packageJson = await readJson<{ name?: string; version?: string }>(path, 'EACCES');
    return packageJson?.name === 'npm' ? packageJson.version : undefined;
  }
  return undefined;
}
