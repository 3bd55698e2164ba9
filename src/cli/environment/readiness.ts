import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { UserError } from '../../errors.ts';
import { readJson } from '../../files.ts';
import type { System } from '../../system.ts';
import { commandLine, nearPath } from '../shells/shells.ts';
import type { Environment } from './find.ts';
import {
  findDifferences,
  type Installation,
  isOfEnvironment,
  type PackageJson,
  readInstallation,
} from './installation.ts';

/** `ready`, or the reason why the server of an environment cannot run. */
export type Readiness =
  | 'ready'
  | 'dependencies-missing'
  | 'dependencies-differ'
  | 'package-json-missing'
  | 'lockfile-missing'
  | 'lockfile-behind'
  | 'node-missing'
  | 'server-missing';
type NotReadiness = Exclude<Readiness, 'ready'>;

/** The file that starts the server. */
export function serverFile({ directory, marker }: Environment): string {
  return join(directory, marker.language === 'typescript' ? 'server.ts' : 'server.js');
}

/** The environment's own copy of sessapp. */
export function packageOf({ directory }: Environment): string {
  return join(directory, 'node_modules', 'sessapp');
}

/** The Node.js program that runs the environment: its own if it has one, else the current one. */
export function nodeOf({ directory, marker }: Environment): string {
  return marker.node === undefined ? process.execPath : join(directory, 'bin', 'node');
}

export async function checkReadiness(environment: Environment): Promise<Readiness> {
  const installation = await readInstallation(environment.directory);
  const { packageJson, lockfile, installed } = installation;
  if (!existsSync(serverFile(environment))) return 'server-missing';
  if (!isOfEnvironment(packageJson)) return 'package-json-missing';
  if (!lockfile) return 'lockfile-missing';
  if (!isCurrent(installation)) return 'lockfile-behind';
  if (!installed) return 'dependencies-missing';
  if ((await findDifferences(installation)).length > 0) return 'dependencies-differ';
  return (await isNodeInstalled(environment)) ? 'ready' : 'node-missing';
}

/** True when a directory has a lockfile that matches its package.json. */
export async function isLockfileCurrent(directory: string): Promise<boolean> {
  return isCurrent(await readInstallation(directory));
}

function isCurrent({ packageJson, lockfile }: Installation): boolean {
  return lockfile !== undefined && isDeepStrictEqual(ranges(packageJson), ranges(lockfile.packages?.['']));
}

/** Also true for an environment without its own Node.js. */
export async function isNodeInstalled(environment: Environment): Promise<boolean> {
  const { directory, marker } = environment;
  if (marker.node === undefined) return true;
  const installed = await readJson(join(directory, '.node', 'node_modules', '.package-lock.json'));
  return installed !== undefined && existsSync(nodeOf(environment));
}

/** @throws UserError when the server could not run; the hint is the command that fixes it */
export async function verifyReady(system: System, environment: Environment): Promise<void> {
  const readiness = await checkReadiness(environment);
  if (readiness !== 'ready') throw await notReady(system, environment, readiness);
}

/** @throws UserError when npm would remove the packages of the environment, because its package.json does not list them */
export async function verifyPackageJson(system: System, environment: Environment): Promise<void> {
  const { packageJson } = await readInstallation(environment.directory);
  if (!isOfEnvironment(packageJson)) throw await notReady(system, environment, 'package-json-missing');
}

async function notReady(system: System, environment: Environment, readiness: NotReadiness): Promise<UserError> {
  const { fact, remedy, command } = await explainReadiness(system, environment, readiness);
  return new UserError(readiness, `${fact} (${environment.directory}).`, `${remedy} ${command}`);
}

/** The fact, the remedy as words that end with a colon, and the command that fixes it. */
export async function explainReadiness(
  system: System,
  { directory }: Environment,
  readiness: NotReadiness,
): Promise<{ fact: string; remedy: string; command: string }> {
  const { fact, remedy, words } = failures[readiness];
  // npm works on its working directory, which may be another one.
  const there = words[0] === 'run' ? ['--prefix', nearPath(system.cwd, directory)] : [];
  return { fact, remedy, command: await commandLine(system, directory, words[0], ...words.slice(1), ...there) };
}

interface NotReady {
  fact: string;
  remedy: string;
  /** The command that fixes it. */
  words: [command: string, ...string[]];
}

const install: Pick<NotReady, 'remedy' | 'words'> = { remedy: 'Type:', words: ['install'] };
const relock: Pick<NotReady, 'remedy' | 'words'> = {
  remedy: 'Type:',
  words: ['run', '--', 'npm', 'install', '--ignore-scripts'],
};
const remake: Pick<NotReady, 'remedy' | 'words'> = {
  remedy: 'Restore it from your version control, or write it again (this keeps the files that you changed):',
  words: ['upgrade'],
};

const failures: Record<NotReadiness, NotReady> = {
  'dependencies-missing': { fact: 'The dependencies are not installed', ...install },
  'dependencies-differ': { fact: 'The installed packages do not match package-lock.json', ...install },
  'node-missing': { fact: 'The environment’s own Node.js is not installed', ...install },
  'lockfile-missing': { fact: 'package-lock.json is missing or damaged', ...relock },
  'lockfile-behind': { fact: 'package.json and package-lock.json do not match', ...relock },
  'package-json-missing': { fact: 'package.json is missing, is damaged, or does not list sessapp', ...remake },
  'server-missing': { fact: 'The file that starts the server is missing', ...remake },
};

function ranges(packageJson: PackageJson | undefined): PackageJson {
  return { dependencies: packageJson?.dependencies ?? {}, devDependencies: packageJson?.devDependencies ?? {} };
}
