import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { changeMarker } from '../environment/change-marker.ts';
import type { Environment } from '../environment/find.ts';
import type { Marker } from '../../settings/marker.ts';
import { checkReadiness } from '../environment/readiness.ts';
import type { System } from '../../system.ts';
import { sha256 } from '../scaffold/hash.ts';
import { type Layer, type PackageFragment, readStoreLayer } from '../scaffold/layers.ts';
import type { NpmOptions } from '../scaffold/npm.ts';
import { findChanged, removeEmptyFolders } from '../scaffold/old.ts';
import { changePackages } from '../scaffold/packages.ts';

// A driver is installed, or taken out, in the same way whether it is there already or half of it: both can be done again.

type Manifest = PackageFragment & Record<string, unknown>;
type Options = Omit<NpmOptions, 'directory'>;

const fields = ['dependencies', 'devDependencies', 'overrides'] as const;

/** Gives an environment the driver of one more store. @throws UserError when npm fails */
export async function addDriver(
  system: System,
  environment: Environment,
  store: string,
  options: Options,
): Promise<Environment> {
  if (store === environment.marker.store) return environment;
  const layer = await readStoreLayer(store, environment.marker.language);
  for (const { path, content } of layer.files) {
    await mkdir(dirname(join(environment.directory, path)), { recursive: true });
    await writeFile(join(environment.directory, path), content);
  }
  const hashes = layer.files.map(({ path, content }): [string, string] => [path, sha256(content)]);
  const added = await changeMarker(environment, (marker) => withFiles(marker, [], Object.fromEntries(hashes)));
  return edit(system, added, (manifest) => addFragment(manifest, layer.package), options);
}

export async function hasDriver({ marker }: Environment, store: string): Promise<boolean> {
  const { files } = await readStoreLayer(store, marker.language);
  return files.some(({ path }) => path in marker.files);
}

/** What a store's driver needs and the environment has for itself: its own code uses it. */
export async function listOwnPackages(environment: Environment, store: string): Promise<string[]> {
  const { directory, marker } = environment;
  // An earlier call has brought them.
  if (await hasDriver(environment, store)) return [];
  const layer = await readStoreLayer(store, marker.language);
  const manifest = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as Manifest;
  return namesIn(layer.package).filter((name) => fields.some((field) => manifest[field]?.[name] !== undefined));
}

/**
 * Takes the driver of a store out, but for what another store's has too, and the packages that are the environment's own.
 * @throws UserError when npm fails
 */
export async function removeDriver(
  system: System,
  environment: Environment,
  { store, kept, own = [] }: { store: string; kept: string; own?: string[] },
  options: Options,
): Promise<Environment> {
  if (store === kept) return environment;
  const { directory, marker } = environment;
  const [layer, other] = await Promise.all([store, kept].map((name) => readStoreLayer(name, marker.language)));
  const { files, package: fragment } = layer as Layer;
  const needed = [...namesIn((other as Layer).package), ...own];
  const edited = await edit(system, environment, (manifest) => dropFragment(manifest, fragment, needed), options);
  const paths = files.map(({ path }) => path);
  for (const path of paths) await rm(join(directory, path), { force: true });
  await removeEmptyFolders(directory, paths);
  return changeMarker(edited, (found) => withFiles(found, paths, {}));
}

async function edit(
  system: System,
  environment: Environment,
  change: (manifest: Manifest) => Manifest,
  options: Options,
): Promise<Environment> {
  const { directory, marker } = environment;
  const text = await readFile(join(directory, 'package.json'), 'utf8');
  const changed = `${JSON.stringify(change(JSON.parse(text) as Manifest), null, 2)}\n`;
  if (JSON.stringify(JSON.parse(changed)) === JSON.stringify(JSON.parse(text)) && (await isReady(environment)))
    return environment;
  const ours = await listOurs(directory, marker);
  await changePackages(system, changed, { ...options, directory });
  const hashes = await Promise.all(
    ours.map(async (path): Promise<[string, string]> => [path, sha256(await readFile(join(directory, path)))]),
  );
  return changeMarker(environment, (found) => withFiles(found, [], Object.fromEntries(hashes)));
}

async function isReady(environment: Environment): Promise<boolean> {
  return ['ready', 'node-missing'].includes(await checkReadiness(environment));
}

/** Which of these files nobody but sessapp has written. */
async function listOurs(directory: string, { files }: Marker): Promise<string[]> {
  const names = ['package.json', 'package-lock.json'].filter((name) => files[name] !== undefined);
  const changed = await findChanged(directory, Object.fromEntries(names.map((name) => [name, files[name] ?? ''])));
  return names.filter((name) => !changed.includes(name));
}

function withFiles(marker: Marker, removed: string[], added: Marker['files']): Marker {
  const kept = Object.entries(marker.files).filter(([path]) => !removed.includes(path));
  return { ...marker, files: Object.fromEntries(Object.entries({ ...Object.fromEntries(kept), ...added }).sort()) };
}

function addFragment(manifest: Manifest, fragment: PackageFragment): Manifest {
  const added = fields.filter((field) => fragment[field]);
  const merged = added.map((field) => [field, sorted({ ...fragment[field], ...manifest[field] })]);
  return { ...manifest, ...Object.fromEntries(merged) };
}

function namesIn(fragment: PackageFragment): string[] {
  return fields.flatMap((field) => Object.keys(fragment[field] ?? {}));
}

function dropFragment(manifest: Manifest, fragment: PackageFragment, needed: string[]): Manifest {
  const dropped = fields
    .filter((field) => fragment[field] && manifest[field])
    .map((field) => {
      const isLeft = (name: string): boolean => fragment[field]?.[name] === undefined || needed.includes(name);
      return [field, Object.fromEntries(Object.entries(manifest[field] ?? {}).filter(([name]) => isLeft(name)))];
    });
  return { ...manifest, ...Object.fromEntries(dropped) };
}

function sorted(values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).sort());
}
