import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import type { Language } from '../../settings/marker.ts';
import { storeKinds } from '../../settings/stores.ts';
import type { PackageJson } from '../environment/installation.ts';
import { environmentRanges, readPackageManifest, templatesDirectory } from '../package.ts';
import type { ChoiceOption } from '../prompts.ts';
import type { CarriedPackage } from './carried.ts';

export interface TemplateFile {
  /** Relative to the environment, with `/`. */
  path: string;
  content: string;
}

/** The options that determine the files and packages of an environment. */
export interface Variant {
  template: string;
  store: string;
  language: Language;
  /** The exact version of the environment's own Node.js. */
  node?: string | undefined;
}

interface Layer {
  title?: string;
  description?: string;
  package?: PackageJson;
  template?: string;
  next?: string;
}

/** Code that `add` adds to the application of an environment. */
export interface Addition {
  files: TemplateFile[];
  /** The npm packages that it needs, with their version ranges. */
  dependencies: Record<string, string>;
  /** The template that it works with. */
  template: string;
  /** The next steps for the user, one or two sentences. */
  next: string;
}

const apps = join(templatesDirectory, 'apps');

export function listTemplates(): string[] {
  return listFolders('apps');
}

export function describeTemplates(): ChoiceOption[] {
  return listTemplates().map((value) => {
    const { title = value, description = '' } = readLayer(join(apps, value));
    return { value, label: title, hint: description };
  });
}

export function describeStores(): ChoiceOption[] {
  return Object.entries(storeKinds).map(([value, { title, description }]) => ({
    value,
    label: title,
    hint: description,
  }));
}

/** The template files of an environment. They belong to its user. Later folders override earlier ones. */
export function readTemplateFiles(variant: Variant): TemplateFile[] {
  const { language } = variant;
  const folders: [from: string, to: string][] = [
    ['environment', ''],
    ...listApplicationFolders(variant).map((folder): [string, string] => [folder, '']),
    ...listFolders('activate').map((shell): [string, string] => [`activate/${shell}`, 'bin/']),
    ...(language === 'typescript' ? [['typescript', ''] as [string, string]] : []),
  ];
  return folders.flatMap(([from, to]) => readFiles(join(templatesDirectory, from), to, language));
}

/** The paths of a template's application files. Empty for a template that this version does not have. */
export function listApplicationFiles(variant: Variant): string[] {
  if (!listTemplates().includes(variant.template)) return [];
  const folders = listApplicationFolders(variant).map((folder) => join(templatesDirectory, folder));
  return folders.flatMap((folder) => readFiles(folder, '', variant.language).map(({ path }) => path));
}

function listApplicationFolders({ template, store }: Variant): string[] {
  return withStore(`apps/${template}`, store);
}

// A template folder, and its subfolder for the store if there is one.
function withStore(folder: string, store: string): string[] {
  const ofStore = `${folder}/${storesFolder}/${store}`;
  return [folder, ...(existsSync(join(templatesDirectory, ofStore)) ? [ofStore] : [])];
}

export function listAdditions(): string[] {
  return listFolders('additions');
}

/** @param name one of `listAdditions` */
export function readAddition(name: string, { store, language }: Pick<Variant, 'store' | 'language'>): Addition {
  const folder = `additions/${name}`;
  const { package: { dependencies = {} } = {}, template = '', next = '' } = readLayer(join(templatesDirectory, folder));
  const folders = withStore(folder, store).map((each) => join(templatesDirectory, each));
  return { files: folders.flatMap((each) => readFiles(each, '', language)), dependencies, template, next };
}

/** The content of an environment's package.json. */
export function renderPackageJson(
  name: string,
  variant: Variant,
  carried: CarriedPackage,
): PackageJson & { name: string } {
  const isTypeScript = variant.language === 'typescript';
  const server = isTypeScript ? 'server.ts' : 'server.js';
  const { scripts, devDependencies } = isTypeScript ? languagePackage() : {};
  return {
    name,
    ...{ private: true, type: 'module' },
    engines: { node: isTypeScript ? '>=22.18' : '>=20.19' },
    // With plain `node`, `npm start` would use npm's own Node.js.
    scripts: { start: `${variant.node === undefined ? 'node' : 'bin/node'} ${server}`, ...scripts },
    dependencies: sorted({
      ...pick(
        environmentRanges(carried.packageJson.peerDependencies),
        'express',
        storeKinds[variant.store]?.package ?? '',
      ),
      sessapp: `file:${carried.path}`,
    }),
    ...(devDependencies && { devDependencies }),
    ...overridesOf(variant.store),
  };
}

// The version range in lmdb's own package.json allows versions that are built by an install script.
function overridesOf(store: string): PackageJson {
  const { overrides } = readPackageManifest();
  return store === 'embedded' ? { overrides: overrides as Record<string, string> } : {};
}

function languagePackage(): PackageJson {
  return readLayer(join(templatesDirectory, 'typescript')).package ?? {};
}

/** The entries of package.json that a store's driver needs. */
export function storePackage(store: string): PackageJson {
  const { peerDependencies } = readPackageManifest();
  return {
    dependencies: pick(environmentRanges(peerDependencies), storeKinds[store]?.package ?? ''),
    ...overridesOf(store),
  };
}

function pick(values: Record<string, string>, ...names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, values[name] ?? '']));
}

function sorted(values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).sort());
}

const layerName = 'layer.json';
/** In a template: the folder whose subfolders have the files for each store. */
const storesFolder = 'stores';

function readFiles(folder: string, to: string, language: Language): TemplateFile[] {
  const other = language === 'typescript' ? '.js' : '.ts';
  // Synchronous calls: for small files, waiting on the event loop takes longer than reading.
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return (
    entries
      .filter((entry) => entry.isFile() && entry.name !== layerName && !entry.name.endsWith(other))
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .filter((path) => !path.startsWith(`${storesFolder}${sep}`))
      .sort()
      .map((path) => ({ path: to + renameDotfile(path), content: readFileSync(join(folder, path), 'utf8') }))
      // A file with only types is empty in JavaScript.
      .filter(({ content }) => content.trim() !== '')
  );
}

// npm does not pack a .gitignore, so the templates have it without the dot.
function renameDotfile(path: string): string {
  return path.replace(/(^|\/)(gitignore|gitattributes)$/, '$1.$2');
}

function readLayer(folder: string): Layer {
  return JSON.parse(readFileSync(join(folder, layerName), 'utf8')) as Layer;
}

function listFolders(kind: string): string[] {
  const entries = readdirSync(join(templatesDirectory, kind), { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}
