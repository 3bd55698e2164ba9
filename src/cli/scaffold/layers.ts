import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import type { Language } from '../../settings/marker.ts';
import { storeKinds } from '../../settings/stores.ts';
import type { PackageFragment } from '../environment/installation.ts';
import { environmentRanges, readPackageJson, templatesDirectory } from '../package.ts';
import type { ChoiceOption } from '../prompts.ts';
import type { CarriedPackage } from './carried.ts';

export interface TemplateFile {
  /** In the environment, with `/`. */
  path: string;
  content: string;
}

/** What decides the files and packages of an environment. */
export interface Choice {
  template: string;
  store: string;
  language: Language;
  /** The exact version of the environment's own Node.js. */
  node?: string | undefined;
}

interface Layer {
  title?: string;
  description?: string;
  package?: PackageFragment;
  template?: string;
  next?: string;
}

/** Code that `add` puts into the application of an environment. */
export interface Addition {
  files: TemplateFile[];
  /** The npm packages that it needs, and their ranges. */
  dependencies: Record<string, string>;
  /** The template whose application it is for. */
  template: string;
  /** What to do after it was added, as a sentence or two. */
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

/** The files that belong to an environment's user, as they are written; a later folder is laid over the earlier ones. */
export function readTemplateFiles(choice: Choice): TemplateFile[] {
  const { language } = choice;
  const folders: [from: string, to: string][] = [
    ['environment', ''],
    ...listApplicationFolders(choice).map((folder): [string, string] => [folder, '']),
    ...listFolders('activate').map((shell): [string, string] => [`activate/${shell}`, 'bin/']),
    ...(language === 'typescript' ? [['typescript', ''] as [string, string]] : []),
  ];
  return folders.flatMap(([from, to]) => readFiles(join(templatesDirectory, from), to, language));
}

/** The files of a template's application, by their paths; none of a template that this version does not have. */
export function listApplicationFiles(choice: Choice): string[] {
  if (!listTemplates().includes(choice.template)) return [];
  const folders = listApplicationFolders(choice).map((folder) => join(templatesDirectory, folder));
  return folders.flatMap((folder) => readFiles(folder, '', choice.language).map(({ path }) => path));
}

function listApplicationFolders({ template, store }: Choice): string[] {
  return withStore(`apps/${template}`, store);
}

// A folder of templates, and the one in it for a store, where there is one.
function withStore(folder: string, store: string): string[] {
  const ofStore = `${folder}/${storesFolder}/${store}`;
  return [folder, ...(existsSync(join(templatesDirectory, ofStore)) ? [ofStore] : [])];
}

export function listAdditions(): string[] {
  return listFolders('additions');
}

/** @param name one of `listAdditions` */
export function readAddition(name: string, { store, language }: Pick<Choice, 'store' | 'language'>): Addition {
  const folder = `additions/${name}`;
  const { package: { dependencies = {} } = {}, template = '', next = '' } = readLayer(join(templatesDirectory, folder));
  const folders = withStore(folder, store).map((each) => join(templatesDirectory, each));
  return { files: folders.flatMap((each) => readFiles(each, '', language)), dependencies, template, next };
}

/** The package.json of an environment. */
export function renderPackageJson(
  name: string,
  choice: Choice,
  carried: CarriedPackage,
): PackageFragment & { name: string } {
  const isTypeScript = choice.language === 'typescript';
  const server = isTypeScript ? 'server.ts' : 'server.js';
  const { scripts, devDependencies } = isTypeScript ? languagePackage() : {};
  return {
    name,
    ...{ private: true, type: 'module' },
    engines: { node: isTypeScript ? '>=22.18' : '>=20.19' },
    // `npm start` would take the Node.js that npm runs on.
    scripts: { start: `${choice.node === undefined ? 'node' : 'bin/node'} ${server}`, ...scripts },
    dependencies: sorted({
      ...pick(
        environmentRanges(carried.packageJson.peerDependencies),
        'express',
        storeKinds[choice.store]?.package ?? '',
      ),
      sessapp: `file:${carried.path}`,
    }),
    ...(devDependencies && { devDependencies }),
    ...overridesOf(choice.store),
  };
}

// lmdb's own range of a package takes versions whose install script builds it.
function overridesOf(store: string): PackageFragment {
  const { overrides } = readPackageJson();
  return store === 'embedded' ? { overrides: overrides as Record<string, string> } : {};
}

function languagePackage(): PackageFragment {
  return readLayer(join(templatesDirectory, 'typescript')).package ?? {};
}

/** The entries of package.json that a store's driver needs. */
export function storePackage(store: string): PackageFragment {
  const { peerDependencies } = readPackageJson();
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
/** In a template: a folder for each store, with the files that depend on it. */
const storesFolder = 'stores';

function readFiles(folder: string, to: string, language: Language): TemplateFile[] {
  const other = language === 'typescript' ? '.js' : '.ts';
  // To wait for each small file on the event loop takes longer than to read it.
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return (
    entries
      .filter((entry) => entry.isFile() && entry.name !== layerName && !entry.name.endsWith(other))
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .filter((path) => !path.startsWith(`${storesFolder}${sep}`))
      .sort()
      .map((path) => ({ path: to + renameDotfile(path), content: readFileSync(join(folder, path), 'utf8') }))
      // Of a file that holds types only, nothing is left in JavaScript.
      .filter(({ content }) => content.trim() !== '')
  );
}

// npm leaves a .gitignore out of a package, so a template carries it without its dot.
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
