import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, UserError } from '../errors.ts';
import type { System } from '../system.ts';
import type { Environment } from './find.ts';
import { commandLine } from './shells.ts';

/** Whether an environment's dependencies are what its lockfile says, or what is wrong with them. */
export type Readiness =
  | 'ready'
  | 'dependencies-missing'
  | 'dependencies-differ'
  | 'package-json-missing'
  | 'lockfile-missing'
  | 'lockfile-behind'
  | 'node-missing'
  | 'server-missing';

interface Lockfile {
  packages?: Record<string, { version?: string; integrity?: string; optional?: boolean } & Ranges>;
}

interface Ranges {
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

/** The file that starts the server. */
export function serverFile({ directory, marker }: Environment): string {
  return join(directory, marker.language === 'typescript' ? 'server.ts' : 'server.js');
}

/** The Node.js that runs the environment: its own, where it has one. */
export function nodeOf({ directory, marker }: Environment): string {
  return marker.node === undefined ? process.execPath : join(directory, 'bin', 'node');
}

export async function checkReadiness(environment: Environment): Promise<Readiness> {
  const { directory, marker } = environment;
  const manifest = await readJson<Ranges>(join(directory, 'package.json'));
  const lockfile = await readJson<Lockfile>(join(directory, 'package-lock.json'));
  // npm keeps what it installed in this file.
  const installed = await readJson<Lockfile>(join(directory, 'node_modules', '.package-lock.json'));
  if ((await readText(serverFile(environment))) === undefined) return 'server-missing';
  if (!manifest) return 'package-json-missing';
  if (!lockfile) return 'lockfile-missing';
  if (!isSame(ranges(manifest), ranges(lockfile.packages?.['']))) return 'lockfile-behind';
  if (!installed) return 'dependencies-missing';
  if (!isInstalled(lockfile, installed)) return 'dependencies-differ';
  if (marker.node !== undefined && !(await readJson(join(directory, '.node', 'node_modules', '.package-lock.json'))))
    return 'node-missing';
  return 'ready';
}

/** @throws UserError with the command that mends it when the server could not run */
export async function verifyReady(system: System, environment: Environment): Promise<void> {
  const readiness = await checkReadiness(environment);
  if (readiness === 'ready') return;
  const [fact, ...remedy] = failures[readiness];
  const command = await commandLine(system, environment.directory, ...remedy);
  throw new UserError(readiness, `${fact} (${environment.directory}).`, `Type: ${command}`);
}

const failures: Record<Exclude<Readiness, 'ready'>, [fact: string, command: string, ...words: string[]]> = {
  'dependencies-missing': ['The dependencies are not installed', 'install'],
  'dependencies-differ': ['What is installed is not what package-lock.json says', 'install'],
  'package-json-missing': ['package.json is missing', 'init', '--clear'],
  'lockfile-missing': ['package-lock.json is missing', 'run', '--', 'npm', 'install'],
  'lockfile-behind': ['package.json and package-lock.json do not agree', 'run', '--', 'npm', 'install'],
  'node-missing': ['The environment’s own Node.js is not installed', 'install'],
  'server-missing': ['The file that starts the server is missing', 'init', '--clear'],
};

function isInstalled(lockfile: Lockfile, installed: Lockfile): boolean {
  const wanted = Object.entries(lockfile.packages ?? {}).filter(([path]) => path !== '');
  const present = installed.packages ?? {};
  const fits = wanted.every(([path, { version, integrity, optional }]) => {
    const found = present[path];
    return found ? found.version === version && found.integrity === integrity : optional === true;
  });
  return fits && Object.keys(present).every((path) => lockfile.packages?.[path] !== undefined);
}

function ranges(manifest: Ranges | undefined): Ranges {
  return { dependencies: manifest?.dependencies ?? {}, devDependencies: manifest?.devDependencies ?? {} };
}

function isSame(a: Ranges, b: Ranges): boolean {
  const sorted = (value: Ranges): string =>
    JSON.stringify(Object.values(value).map((field) => Object.entries(field).sort()));
  return sorted(a) === sorted(b);
}

// A damaged file counts as missing: the remedy is the same.
async function readJson<T>(path: string): Promise<T | undefined> {
  const content = await readText(path);
  try {
    return content === undefined ? undefined : (JSON.parse(content) as T);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}
