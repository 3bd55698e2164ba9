import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { type Marker, markerName, renderMarker } from '../environment/marker.ts';
import { envFileName } from '../environment/secrets.ts';
import { keepExisting } from './existing.ts';
import { type Choice, type Lockfile, type PackageFragment, readLayers, readLockfile } from './layers.ts';
import { toPackageName } from './package-name.ts';

/** What a person chose for a new environment. */
export interface Wish extends Choice {
  /** Absolute. */
  directory: string;
  /** An exact version of Node.js for the environment's own. */
  node?: string;
  prompt?: string;
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
  content: string | undefined;
}

/** Everything that `init` will do, decided before anything is done. */
export interface Plan {
  directory: string;
  /** `create` a directory, `fill` one that is there, or `clear` an environment and make it anew. */
  action: 'create' | 'fill' | 'clear';
  /** What is written, in the order of the paths; the marker is the last. */
  files: PlannedFile[];
  /** What an environment would have, and is there already: it stays as it is. */
  kept: string[];
  marker: Marker;
  /** The version of Node.js to install into the environment, if any. */
  node: string | null;
  install: boolean;
  offline: boolean;
  git: boolean;
}

/**
 * @param wish its directory is as `inspectTarget` says it
 * @param version the version of this tool
 */
export async function makePlan(wish: Wish, action: Plan['action'], version: string): Promise<Plan> {
  const layers = await readLayers(wish);
  const packageName = toPackageName(basename(wish.directory));
  const manifest = mergePackages(
    packageName,
    wish,
    layers.map((layer) => layer.package),
  );
  const contents = new Map<string, string>();
  for (const file of layers.flatMap((layer) => layer.files)) contents.set(file.path, file.content);
  contents.set('package.json', renderJson(manifest));
  contents.set('package-lock.json', renderJson(renameLockfile(await readLockfile(wish), packageName)));
  if (wish.prompt !== undefined) contents.set('bin/prompt.txt', `${wish.prompt}\n`);
  if (wish.node !== undefined) contents.set('.node/package.json', renderJson(nodeManifest(wish.node)));

  const marker = toMarker(wish, version, contents);
  const files: PlannedFile[] = [...contents].map(([path, content]) => ({ path, mode: 0o644, content }));
  files.push({ path: envFileName, mode: 0o600, content: undefined });
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  files.push({ path: markerName, mode: 0o644, content: renderMarker(marker) });
  const { directory, node = null, install, offline, git } = wish;
  const plan: Plan = { directory, action, files, kept: [], marker, node, install, offline, git };
  return action === 'create' ? plan : keepExisting(plan);
}

/** The package.json of an environment made of these layers. */
export function mergePackages(name: string, { language }: Choice, fragments: PackageFragment[]): object {
  const entry = language === 'typescript' ? 'server.ts' : 'server.js';
  const merged = (field: keyof PackageFragment): Record<string, string> =>
    Object.fromEntries(fragments.flatMap((fragment) => Object.entries(fragment[field] ?? {})).sort());
  const devDependencies = merged('devDependencies');
  return {
    name,
    private: true,
    type: 'module',
    engines: { node: language === 'typescript' ? '>=22.18' : '>=20.19' },
    scripts: { start: `node ${entry}`, ...merged('scripts') },
    dependencies: merged('dependencies'),
    ...(Object.keys(devDependencies).length > 0 && { devDependencies }),
    overrides: merged('overrides'),
  };
}

/** The package that holds the environment's own Node.js; npm installs it into `.node/node_modules`. */
export function nodePackageName(): string {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  return `node-${platform}-${process.arch}`;
}

function nodeManifest(version: string): object {
  return { private: true, dependencies: { [nodePackageName()]: version } };
}

function toMarker(wish: Wish, version: string, contents: Map<string, string>): Marker {
  const hashes = [...contents].map(([path, content]): [string, string] => [path, sha256(content)]);
  return {
    format: 1,
    sessapp: version,
    template: wish.template,
    store: wish.store,
    language: wish.language,
    ...(wish.node !== undefined && { node: wish.node }),
    ...(wish.prompt !== undefined && { prompt: wish.prompt }),
    cookie: toCookieName(wish.directory),
    files: Object.fromEntries(hashes.sort()),
  };
}

// Cookies of one host are shared by its ports, so two environments on localhost need different names.
function toCookieName(directory: string): string {
  const name = toPackageName(basename(directory))
    .replace(/[^a-z0-9-]/g, '-')
    .slice(0, 24);
  return `${name}-${sha256(directory).slice(0, 8)}`;
}

function renameLockfile(lockfile: Lockfile, name: string): Lockfile {
  const root = { ...lockfile.packages[''], name };
  return { ...lockfile, name, packages: { ...lockfile.packages, '': root } };
}

export function sha256(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}

function renderJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** A plan as it can be shown: each file by its hash. */
export interface PlanSummary extends Omit<Plan, 'files' | 'marker'> {
  /** `sha256` is null for `.env`, whose secret is made when it is written. */
  files: { path: string; mode: string; sha256: string | null }[];
}

export function summarize({ marker: _, files, ...rest }: Plan): PlanSummary {
  const shown = files.map(({ path, mode, content }) => ({
    path,
    mode: mode.toString(8).padStart(4, '0'),
    sha256: content === undefined ? null : sha256(content),
  }));
  return { ...rest, files: shown };
}
