import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Language } from '../../settings/marker.ts';
import { templatesDirectory } from '../package.ts';

// Each layer holds .js and .ts side by side.
const root = templatesDirectory;

/** What a layer adds to the environment's package.json. */
export interface PackageFragment {
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  overrides?: Record<string, string>;
  scripts?: Record<string, string>;
}

/** A folder of templates that is laid over the environment. */
export interface Layer {
  /** What a person sees when choosing. */
  title: string;
  description: string;
  package: PackageFragment;
  /** For a store that is reached by an address. */
  address?: StoreAddress;
  files: LayerFile[];
}

/** What the address of a store looks like. */
export interface StoreAddress {
  example: string;
  /** Without the colon. */
  protocols: string[];
}

export interface LayerFile {
  /** In the environment, with `/`. */
  path: string;
  content: string;
}

/** What chooses the layers of an environment. */
export interface Choice {
  template: string;
  store: string;
  language: Language;
}

export async function listTemplates(): Promise<string[]> {
  return listFolders('apps');
}

export async function listStores(): Promise<string[]> {
  return listFolders('stores');
}

/** Undefined for a store that has no address. */
export async function readStoreAddress(store: string): Promise<StoreAddress | undefined> {
  return (await readManifest(join(root, 'stores', store))).address;
}

/** What there is to choose from, for a person. */
export async function describeLayers(
  kind: 'apps' | 'stores',
): Promise<{ value: string; label: string; hint: string }[]> {
  const names = await listFolders(kind);
  return Promise.all(
    names.map(async (name) => {
      const { title, description } = await readManifest(join(root, kind, name));
      return { value: name, label: title, hint: description };
    }),
  );
}

/** The layers of an environment, each laid over the ones before it. */
export async function readLayers(choice: Choice): Promise<Layer[]> {
  const shells = await listFolders('activate');
  const folders: [from: string, to: string][] = [
    ['base', ''],
    ['session', 'session/'],
    [`stores/${choice.store}`, 'session/'],
    [`apps/${choice.template}`, ''],
    ...shells.map((shell): [string, string] => [`activate/${shell}`, 'bin/']),
    ...(choice.language === 'typescript' ? [['typescript', ''] as [string, string]] : []),
  ];
  return Promise.all(folders.map(([from, to]) => readLayer(join(root, from), to, choice.language)));
}

/** What a store alone brings into an environment: its driver, and the packages of that. */
export async function readStoreLayer(store: string, language: Language): Promise<Layer> {
  return readLayer(join(root, 'stores', store), 'session/', language);
}

/** The lockfile that npm made for these layers. */
export async function readLockfile({ template, store, language }: Choice): Promise<Lockfile> {
  const path = join(root, 'lockfiles', `${template}-${store}-${language}.json`);
  return JSON.parse(await readFile(path, 'utf8')) as Lockfile;
}

export interface Lockfile {
  name: string;
  packages: Record<string, { name?: string; version?: string; integrity?: string } & PackageFragment>;
}

async function readLayer(folder: string, to: string, language: Language): Promise<Layer> {
  const manifest = await readManifest(folder);
  const other = language === 'typescript' ? '.js' : '.ts';
  // A hundred small files: to wait for each of them on the event loop takes longer than to read them.
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = names
    .filter((entry) => entry.isFile() && entry.name !== manifestName && !entry.name.endsWith(other))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
  const files = paths.map((path) => ({
    path: to + renameDotfile(path),
    content: readFileSync(join(folder, path), 'utf8'),
  }));
  const { types, ...layer } = manifest;
  const fragment = language === 'typescript' ? withTypes(layer.package, types) : layer.package;
  return { ...layer, package: fragment, files };
}

function withTypes(fragment: PackageFragment, types: Record<string, string>): PackageFragment {
  return { ...fragment, devDependencies: { ...fragment.devDependencies, ...types } };
}

const manifestName = 'layer.json';

interface Manifest extends Omit<Layer, 'files'> {
  /** Packages with the types of its dependencies, for an environment in TypeScript. */
  types: Record<string, string>;
}

async function readManifest(folder: string): Promise<Manifest> {
  const manifest = JSON.parse(await readFile(join(folder, manifestName), 'utf8')) as Partial<Manifest>;
  return { title: '', description: '', package: {}, types: {}, ...manifest };
}

// npm leaves a .gitignore out of a package, so a template carries it without its dot.
function renameDotfile(path: string): string {
  return path.replace(/(^|\/)gitignore$/, '$1.gitignore');
}

async function listFolders(kind: string): Promise<string[]> {
  const entries = await readdir(join(root, kind), { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}
