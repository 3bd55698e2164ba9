import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { parseEnv } from 'node:util';
import { envFileName } from '../../settings/secrets.ts';
import { storeKinds } from '../../settings/stores.ts';

/** Names that must not get into version control. */
const privateNames = [envFileName, 'data', 'node_modules'];

/** Warnings about the directory, shown before an environment is made there. Each is a sentence. */
export async function findWarnings(directory: string, kept: string[]): Promise<string[]> {
  const read = (name: string): Promise<string> => readFile(join(directory, name), 'utf8');
  const warnings: string[] = [];
  if (kept.includes('.gitignore')) warnings.push(...warnOfIgnore(await read('.gitignore')));
  if (kept.includes(envFileName)) warnings.push(...warnOfSettings(await read(envFileName)));
  if (directory.includes(delimiter)) {
    warnings.push(
      `The path contains '${delimiter}', which separates entries of PATH: after activation, the shell will not find its commands.`,
    );
  }
  return warnings;
}

/** A warning when `.env` will not have the address of the store, or has another address than the given one. */
export async function warnOfStore(
  { directory, store, storeUrl }: { directory: string; store: string; storeUrl?: string | undefined },
  kept: string[],
): Promise<string[]> {
  const address = storeKinds[store]?.address;
  if (!address) return [];
  const example = `STORE_URL=${address.example}`;
  if (!kept.includes(envFileName)) {
    if (storeUrl !== undefined) return [];
    return [`The server needs the address of the store ${store}. Add it to ${envFileName}, for example ${example}`];
  }
  const found = parseEnv(await readFile(join(directory, envFileName), 'utf8')).STORE_URL;
  if (!found) return [`${envFileName} stays unchanged, and has no STORE_URL. Add one, for example ${example}`];
  if (storeUrl === undefined || storeUrl === found) return [];
  return [`${envFileName} stays unchanged, and has a different STORE_URL.`];
}

/** A warning when a lost `sessapp.json` is written again, and the name of its cookie is not known. */
export function warnOfCookie(name: string): string {
  return (
    `The session cookie gets the name ${name}. If the lost sessapp.json had another one, because the directory was renamed or moved, ` +
    'everybody is logged out. To prevent that, write the old name, which browsers show, into sessapp.json before you start the server.'
  );
}

function warnOfIgnore(content: string): string[] {
  const open = privateNames.filter((name) => !isIgnored(content, name));
  if (open.length === 0) return [];
  return [
    `.gitignore stays unchanged, and does not cover ${open.join(', ')}. Add ${open.length === 1 ? 'it' : 'them'}.`,
  ];
}

function warnOfSettings(content: string): string[] {
  if (/^\s*(export\s+)?SESSION_SECRET\s*=\s*\S/m.test(content)) return [];
  return [`${envFileName} stays unchanged, and has no SESSION_SECRET. The server does not start without one.`];
}

// gitignore(5), for a name at the top level: the last matching pattern wins.
function isIgnored(content: string, name: string): boolean {
  const patterns = content.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const last = patterns.filter((pattern) => toExpression(pattern).test(name)).at(-1);
  return last !== undefined && !last.startsWith('!');
}

function toExpression(pattern: string): RegExp {
  const glob = pattern
    .trim()
    .replace(/^!/, '')
    .replace(/^(\*\*)?\//, '')
    .replace(/\/(\*{1,2})?$/, '');
  const source = glob
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]');
  return new RegExp(`^${source}$`);
}
