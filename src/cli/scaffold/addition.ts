import { readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { orUndefined, UserError } from '../../errors.ts';
import { isThere, makeDirectory, readJson } from '../../files.ts';
import type { System } from '../../system.ts';
import type { Environment } from '../environment/find.ts';
import type { PackageJson } from '../environment/installation.ts';
import { linkIfFree, withDraft } from '../environment/write-file.ts';
import { withLock } from './directory-lock.ts';
import { findKept } from './existing.ts';
import { readAddition, type TemplateFile } from './layers.ts';
import { addPackages } from './packages.ts';
import { removeEmpty } from './staging.ts';

/** The changes that an addition will make in an environment, decided before anything changes. */
export interface AdditionPlan {
  /** The last one is the entry, from which the application loads the addition. */
  files: (TemplateFile & { state: 'written' | 'unchanged' })[];
  /** The npm packages to install, with their ranges. */
  packages: string[];
  /** The next steps for the user, one or two sentences. */
  next: string;
}

/**
 * @param name one of `listAdditions`
 * @throws UserError when the addition does not fit this application, or a file already exists with other content
 */
export async function planAddition({ directory, marker }: Environment, name: string): Promise<AdditionPlan> {
  const { files, dependencies, template, next } = readAddition(name, marker);
  verifyTemplate(directory, marker.template, name, template);
  await verifyLoader(directory, marker.language);
  const paths = files.map(({ path }) => path);
  const kept = await findKept(directory, paths);
  for (const { path, content } of files) if (kept.includes(path)) await verifySame(join(directory, path), content);
  return {
    files: files
      .map((file) => ({ ...file, state: kept.includes(file.path) ? ('unchanged' as const) : ('written' as const) }))
      .sort((a, b) => Number(isEntry(a)) - Number(isEntry(b))),
    packages: await findMissing(directory, dependencies),
    next,
  };
}

/**
 * Writes the files and installs the packages. On failure or interruption, it removes the files again.
 * @throws UserError when npm fails, or another process has written one of the files meanwhile
 */
export async function applyAddition(
  system: System,
  { directory }: Environment,
  { files, packages }: AdditionPlan,
): Promise<void> {
  const interrupted = system.catchInterrupts();
  const undo: (() => Promise<unknown>)[] = [];
  const write = async ({ path, content }: TemplateFile): Promise<void> => {
    const file = join(directory, path);
    const top = await makeDirectory(dirname(file));
    if (top !== undefined)
      undo.unshift(() => orUndefined(removeEmpty(dirname(file), top), 'ENOTEMPTY', 'EEXIST', 'ENOENT'));
    if (!(await withDraft(file, content, 0o644, (draft) => linkIfFree(draft, file))))
      throw new UserError(
        'changed-meanwhile',
        `Another process wrote ${file} meanwhile.`,
        'Run the same command again.',
      );
    undo.unshift(() => rm(file, { force: true }));
  };
  const missing = files.filter(({ state }) => state === 'written');
  await withLock(directory, async () => {
    try {
      for (const file of missing.filter((file) => !isEntry(file))) await write(file);
      interrupted.throwIfAborted();
      if (packages.length > 0) await addPackages(system, packages, { directory, offline: false });
      for (const file of missing.filter(isEntry)) await write(file);
    } catch (error) {
      for (const step of undo) await step();
      throw error;
    }
  });
}

// The application does not load an addition without its entry.
function isEntry({ path }: TemplateFile): boolean {
  return /^addition\.[jt]s$/.test(basename(path));
}

function verifyTemplate(directory: string, template: string, name: string, wanted: string): void {
  if (template === wanted) return;
  throw new UserError(
    'template-differs',
    `${directory} uses the template ${template}, but ${name} works only with the template ${wanted}.`,
    `Make another environment: sessapp init <dir> --template ${wanted}`,
  );
}

async function verifyLoader(directory: string, language: string): Promise<void> {
  const path = join(directory, 'app', language === 'typescript' ? 'additions.ts' : 'additions.js');
  if (await isThere(path)) return;
  throw new UserError(
    'application-differs',
    `${path} is missing, so the application cannot load additions.`,
    'Restore it from your version control, or copy it from a new environment: sessapp init <dir> --template accounts',
  );
}

async function verifySame(path: string, content: string): Promise<void> {
  if ((await readFile(path, 'utf8')) === content) return;
  throw new UserError(
    'file-conflict',
    `${path} already exists with other content. add replaces no file.`,
    'If you changed the addition yourself, there is nothing to do. Otherwise, rename the file and run the same command again.',
  );
}

async function findMissing(directory: string, dependencies: Record<string, string>): Promise<string[]> {
  const listed = (await readJson<PackageJson>(join(directory, 'package.json')))?.dependencies ?? {};
  const missing: string[] = [];
  for (const [name, range] of Object.entries(dependencies)) {
    const isInstalled = listed[name] !== undefined && (await isThere(join(directory, 'node_modules', name)));
    if (!isInstalled) missing.push(`${name}@${listed[name] ?? range}`);
  }
  return missing;
}
