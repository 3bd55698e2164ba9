import { basename } from 'node:path';
import { type Marker, markerName, renderMarker } from '../../settings/marker.ts';
import { envFileName } from '../../settings/secrets.ts';
import type { PackageJson } from '../environment/installation.ts';
import { type CarriedPackage, packCarried } from './carried.ts';
import { findChanged, findKept, verifyPackage } from './existing.ts';
import { isInRepository } from './git.ts';
import { sha256 } from './hash.ts';
import { readTemplateFiles, renderPackageJson, type Variant } from './layers.ts';
import { lockfileFor } from './lockfile.ts';
import { findLostCookie } from './lost-cookie.ts';
import { toPackageName } from './package-name.ts';
import { findWarnings, warnOfCookie, warnOfStore } from './warnings.ts';

/** The options of `init` with the defaults filled in and the Node.js version looked up. */
export interface ResolvedOptions extends Variant {
  /** Absolute. */
  directory: string;
  prompt?: string | undefined;
  /** The address of the store. It may contain a password. */
  storeUrl?: string | undefined;
  install: boolean;
  offline: boolean;
  git: boolean;
}

/** One file to write. `content` is undefined for `.env`, whose secret is random. */
export interface PlannedFile {
  /** Relative to the environment, with `/`. */
  path: string;
  /** The mode for chmod(2). */
  mode: number;
  content: string | Buffer | undefined;
}

/** Everything that `init` will do, decided before anything changes. */
export interface Plan {
  directory: string;
  /** `create` a directory, or `fill` an existing one. */
  action: 'create' | 'fill';
  /** The files to write, sorted by path, with the marker last. */
  files: PlannedFile[];
  /** Files of an environment that already exist. They stay unchanged. */
  kept: string[];
  marker: Marker;
  /** The version of Node.js to install into the environment, if any. */
  node: string | null;
  /** Written into `.env` next to the secret. It is equally confidential. */
  storeUrl: string | undefined;
  install: boolean;
  offline: boolean;
  /** Make a git repository. Also false when there is one already. */
  git: boolean;
  /** Shown before anything changes. Each is a sentence. */
  warnings: string[];
}

/**
 * @param options with the directory that `inspectTarget` returned
 * @throws UserError when an existing file or folder cannot be part of an environment
 */
export async function makePlan(options: ResolvedOptions, action: Plan['action']): Promise<Plan> {
  const { directory, node = null, storeUrl, install, offline } = options;
  const carried = packCarried();
  const contents = renderFiles(options, carried);
  const kept = action === 'create' ? [] : await findKeptFiles(directory, contents);
  // An existing file with the generated content counts as generated. That is the case when only the marker was lost.
  const foreign = await findChanged(directory, hashesOf(contents));
  const generated = new Map([...contents].filter(([path]) => !foreign.includes(path)));
  const lost = action === 'create' ? undefined : await findLostCookie(directory);
  const cookie = lost?.name ?? toCookieName(directory);
  const marker = toMarker(options, carried.packageJson.version, cookie, hashesOf(generated));
  const files: PlannedFile[] = [...contents]
    .filter(([path]) => !kept.includes(path))
    .map(([path, content]) => ({ path, mode: 0o644, content }));
  if (!kept.includes(envFileName)) files.push({ path: envFileName, mode: 0o600, content: undefined });
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  files.push({ path: markerName, mode: 0o644, content: renderMarker(marker) });
  const isRepository = options.git && (await isInRepository(directory));
  const git = options.git && !isRepository;
  const warnings = [...(await findWarnings(directory, kept)), ...(await warnOfStore(options, kept))];
  if (lost && lost.name === undefined) warnings.push(warnOfCookie(cookie));
  if (isRepository) warnings.push('The directory is already in a git repository, so --git makes no new one.');
  return { directory, action, files, kept, marker, node, storeUrl, install, offline, git, warnings };
}

/** All generated files except `.env` and the marker, by their paths in the environment. */
export function renderFiles(
  options: Variant & { directory: string; prompt?: string | undefined },
  carried: CarriedPackage,
): Map<string, string | Buffer> {
  const contents = new Map<string, string | Buffer>();
  for (const { path, content } of readTemplateFiles(options)) contents.set(path, content);
  const packageJson = renderPackageJson(toPackageName(basename(options.directory)), options, carried);
  contents.set('package.json', renderJson(packageJson));
  contents.set('package-lock.json', renderJson(lockfileFor(packageJson, carried)));
  contents.set(carried.path, carried.content);
  if (options.prompt !== undefined) contents.set('bin/prompt.txt', `${options.prompt}\n`);
  if (options.node !== undefined) contents.set('.node/package.json', renderJson(renderNodePackage(options.node)));
  return contents;
}

// An existing package.json does not match the generated lockfile. If there is no lockfile yet, npm makes one.
async function findKeptFiles(directory: string, contents: Map<string, string | Buffer>): Promise<string[]> {
  const kept = await findKept(directory, [...contents.keys(), envFileName]);
  if (!kept.includes('package.json')) return kept;
  await verifyPackage(directory, JSON.parse(String(contents.get('package.json'))) as PackageJson);
  if (!kept.includes('package-lock.json')) contents.delete('package-lock.json');
  return kept;
}

/** The hashes of files, in the format of the marker. */
export function hashesOf(contents: Map<string, string | Buffer>): Marker['files'] {
  return Object.fromEntries([...contents].map(([path, content]): [string, string] => [path, sha256(content)]).sort());
}

/** The package that holds the environment's own Node.js; npm installs it into `.node/node_modules`. */
export function nodePackageName(): string {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  return `node-${platform}-${process.arch}`;
}

function renderNodePackage(version: string): object {
  return { private: true, dependencies: { [nodePackageName()]: version } };
}

function toMarker(options: ResolvedOptions, version: string, cookie: string, files: Marker['files']): Marker {
  return {
    format: 2,
    sessapp: version,
    template: options.template,
    store: options.store,
    language: options.language,
    ...(options.node !== undefined && { node: options.node }),
    ...(options.prompt !== undefined && { prompt: options.prompt }),
    cookie,
    files,
  };
}

// All ports of a host share its cookies, so two environments on localhost need different cookie names.
function toCookieName(directory: string): string {
  const name = toPackageName(basename(directory))
    .replace(/[^a-z0-9-]/g, '-')
    .slice(0, 24);
  return `${name}-${sha256(directory).slice(0, 8)}`;
}

/** JSON in npm's format. */
export function renderJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** The plan without confidential values, with a hash instead of each file's content. `.env` has no hash: its secret is random. */
export function summarize({ marker: _, storeUrl: __, files, ...rest }: Plan) {
  const shown = files.map(({ path, mode, content }) => ({
    path,
    mode: mode.toString(8).padStart(4, '0'),
    sha256: content === undefined ? null : sha256(content),
  }));
  return { ...rest, files: shown };
}
