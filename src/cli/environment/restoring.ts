import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../../errors.ts';
import { templatesDirectory } from '../package.ts';

/**
 * The options of `init` that write a lost `sessapp.json` anew as it was: what else than it tells how an environment was
 * made. Without them another application, and another store, would be laid beside its own.
 */
export async function restoringOptions(directory: string): Promise<string[]> {
  const isTypeScript = await isThere(join(directory, 'server.ts'));
  const node = await readNodeVersion(directory);
  const store = await findStore(directory);
  return [
    '--allow-existing',
    ...(isTypeScript ? ['--typescript'] : []),
    ...(node === undefined ? [] : ['--node', node]),
    ...(store === undefined ? [] : ['--store', store]),
  ];
}

async function readNodeVersion(directory: string): Promise<string | undefined> {
  const manifest = join(directory, '.node', 'package.json');
  const text = (await isThere(manifest)) ? await readFile(manifest, 'utf8') : '';
  return /"(\d+\.\d+\.\d+)"/.exec(text)?.[1];
}

// Undefined for the default, and while the sessions are on their way: two drivers are there then.
async function findStore(directory: string): Promise<string | undefined> {
  const found: string[] = [];
  for (const store of await readdir(join(templatesDirectory, 'stores')))
    if (await isModule(join(directory, 'session', store))) found.push(store);
  return found.length === 1 && found[0] !== 'embedded' ? found[0] : undefined;
}

/** True for a module of an environment, in either language. */
export async function isModule(path: string): Promise<boolean> {
  return (await isThere(`${path}.js`)) || isThere(`${path}.ts`);
}

export async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
