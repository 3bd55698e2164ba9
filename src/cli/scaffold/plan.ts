import { basename } from 'node:path';
import { type Marker, markerName, renderMarker } from '../../settings/marker.ts';
import { envFileName } from '../../settings/secrets.ts';
import type { PackageFragment } from '../environment/installation.ts';
import { type CarriedPackage, packCarried } from './carried.ts';
import { findChanged, findKept, verifyPackage } from './existing.ts';
import { isInRepository } from './git.ts';
import { sha256 } from './hash.ts';
import { type Choice, readTemplateFiles, renderPackageJson } from './layers.ts';
import { lockfileFor } from './lockfile.ts';
import { toPackageName } from './package-name.ts';
import { findWarnings, warnOfStore } from './warnings.ts';

/** What a person chose for a new environment. */
export interface Wish extends Choice {
  /** Absolute. */
  directory: string;
  prompt?: string | undefined;
  /** Where the store is; there may be a password in it. */
  storeUrl?: string | undefined;
  install: boolean;
  offline: boolean;
  git: boolean;
}

/** One file to write. `content` is undefined for the one file that is made of chance: `.env`. */
export interface PlannedFile {
  /** In the environment, with `/`. */
  path: string;
  /** As chmod(2) takes it. */
  mode: number;
  content: string | Buffer | undefined;
}

/** Everything that `init` will do, decided before anything is done. */
export interface Plan {
  directory: string;
  /** `create` a directory, or `fill` one that is there. */
  action: 'create' | 'fill';
  /** What is written, in the order of the paths; the marker is the last. */
  files: PlannedFile[];
  /** What an environment would have, and is there already: it stays as it is. */
  kept: string[];
  marker: Marker;
  /** The version of Node.js to install into the environment, if any. */
  node: string | null;
  /** What goes into `.env` beside the secret, and is as secret. */
  storeUrl: string | undefined;
  install: boolean;
  offline: boolean;
  /** False too where there is a git repository already. */
  git: boolean;
  /** What a person should know before, each a sentence. */
  warnings: string[];
}

/**
 * @param wish its directory is as `inspectTarget` says it
 * @throws UserError when what is there could not work as a part of an environment
 */
export async function makePlan(wish: Wish, action: Plan['action']): Promise<Plan> {
  const { directory, node = null, storeUrl, install, offline } = wish;
  const carried = packCarried();
  const contents = renderFiles(wish, carried);
  const kept = action === 'create' ? [] : await keep(directory, contents);
  // What is there already and just as we would write it counts as ours: so it is where only the marker was lost.
  const foreign = await findChanged(directory, hashesOf(contents));
  const generated = new Map([...contents].filter(([path]) => !foreign.includes(path)));
  const marker = toMarker(wish, carried.packageJson.version, hashesOf(generated));
  const files: PlannedFile[] = [...contents]
    .filter(([path]) => !kept.includes(path))
    .map(([path, content]) => ({ path, mode: 0o644, content }));
  if (!kept.includes(envFileName)) files.push({ path: envFileName, mode: 0o600, content: undefined });
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  files.push({ path: markerName, mode: 0o644, content: renderMarker(marker) });
  const isRepository = wish.git && (await isInRepository(directory));
  const git = wish.git && !isRepository;
  const warnings = [...(await findWarnings(directory, kept)), ...(await warnOfStore(wish, kept))];
  if (isRepository) warnings.push('This is in a git repository already: --git makes no other.');
  return { directory, action, files, kept, marker, node, storeUrl, install, offline, git, warnings };
}

/** Every generated file but `.env` and the marker, by its path in the environment. */
export function renderFiles(
  wish: Choice & { directory: string; prompt?: string | undefined },
  carried: CarriedPackage,
): Map<string, string | Buffer> {
  const contents = new Map<string, string | Buffer>();
  for (const { path, content } of readTemplateFiles(wish)) contents.set(path, content);
  const packageJson = renderPackageJson(toPackageName(basename(wish.directory)), wish, carried);
  contents.set('package.json', renderJson(packageJson));
  contents.set('package-lock.json', renderJson(lockfileFor(packageJson, carried)));
  contents.set(carried.path, carried.content);
  if (wish.prompt !== undefined) contents.set('bin/prompt.txt', `${wish.prompt}\n`);
  if (wish.node !== undefined) contents.set('.node/package.json', renderJson(nodePackageJson(wish.node)));
  return contents;
}

// Another package.json than ours needs another lockfile than ours: npm makes it, where there is none.
async function keep(directory: string, contents: Map<string, string | Buffer>): Promise<string[]> {
  const kept = await findKept(directory, [...contents.keys(), envFileName]);
  if (!kept.includes('package.json')) return kept;
  await verifyPackage(directory, JSON.parse(String(contents.get('package.json'))) as PackageFragment);
  if (!kept.includes('package-lock.json')) contents.delete('package-lock.json');
  return kept;
}

/** As in a marker. */
export function hashesOf(contents: Map<string, string | Buffer>): Marker['files'] {
  return Object.fromEntries([...contents].map(([path, content]): [string, string] => [path, sha256(content)]).sort());
}

/** The package that holds the environment's own Node.js; npm installs it into `.node/node_modules`. */
export function nodePackageName(): string {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  return `node-${platform}-${process.arch}`;
}

function nodePackageJson(version: string): object {
  return { private: true, dependencies: { [nodePackageName()]: version } };
}

function toMarker(wish: Wish, version: string, files: Marker['files']): Marker {
  return {
    format: 2,
    sessapp: version,
    template: wish.template,
    store: wish.store,
    language: wish.language,
    ...(wish.node !== undefined && { node: wish.node }),
    ...(wish.prompt !== undefined && { prompt: wish.prompt }),
    cookie: toCookieName(wish.directory),
    files,
  };
}

// Cookies of one host are shared by its ports, so two environments on localhost need different names.
function toCookieName(directory: string): string {
  const name = toPackageName(basename(directory))
    .replace(/[^a-z0-9-]/g, '-')
    .slice(0, 24);
  return `${name}-${sha256(directory).slice(0, 8)}`;
}

/** As npm writes its files. */
export function renderJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** A plan as it can be shown: each file by its hash. `.env` has none: its secret is made when it is written. */
export function summarize({ marker: _, storeUrl: __, files, ...rest }: Plan) {
  const shown = files.map(({ path, mode, content }) => ({
    path,
    mode: mode.toString(8).padStart(4, '0'),
    sha256: content === undefined ? null : sha256(content),
  }));
  return { ...rest, files: shown };
}
