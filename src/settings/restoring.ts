import { join } from 'node:path';
import { isThere, readTextIfThere } from '../files.ts';
import { storeKinds } from './stores.ts';

/**
 * The options of `init` that write a lost `sessapp.json` again as it was: the other files tell how an environment was
 * made. Without them another application, and another store, would be laid beside its own.
 */
export async function restoringOptions(directory: string): Promise<string[]> {
  const isTypeScript = await isThere(join(directory, 'server.ts'));
  const hasAccounts = await isThere(join(directory, 'app', `accounts.${isTypeScript ? 'ts' : 'js'}`));
  const node = /"(\d+\.\d+\.\d+)"/.exec((await readTextIfThere(join(directory, '.node', 'package.json'))) ?? '')?.[1];
  const store = await findStore(directory);
  return [
    '--allow-existing',
    ...(hasAccounts ? ['--template', 'accounts'] : []),
    ...(isTypeScript ? ['--typescript'] : []),
    ...(node === undefined ? [] : ['--node', node]),
    ...(store === undefined ? [] : ['--store', store]),
  ];
}

// Undefined for the default, and while the sessions are on their way: two drivers are there then.
async function findStore(directory: string): Promise<string | undefined> {
  const packageJson = (await readTextIfThere(join(directory, 'package.json'))) ?? '';
  const found = Object.entries(storeKinds).filter(([, kind]) => packageJson.includes(`"${kind.package}":`));
  const [name] = found[0] ?? [];
  return found.length === 1 && name !== 'embedded' ? name : undefined;
}
