import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { parseEnv } from 'node:util';
import { envFileName } from '../../settings/secrets.ts';
import { storeKinds } from '../../settings/stores.ts';

/** What must not get into version control. */
const privateNames = [envFileName, 'data', 'node_modules'];

/** What a person should know about a place before an environment is there, each a sentence. */
export async function findWarnings(directory: string, kept: string[]): Promise<string[]> {
  const read = (name: string): Promise<string> => readFile(join(directory, name), 'utf8');
  const warnings: string[] = [];
  if (kept.includes('.gitignore')) warnings.push(...warnOfIgnore(await read('.gitignore')));
  if (kept.includes(envFileName)) warnings.push(...warnOfSettings(await read(envFileName)));
  if (directory.includes(delimiter)) {
    warnings.push(
      `The path has a '${delimiter}' in it, which PATH cannot hold: activation will not find its commands.`,
    );
  }
  return warnings;
}

/** What is to be said when `.env` will not say where the store is, or says something else than was asked for. */
export async function warnOfStore(
  { directory, store, storeUrl }: { directory: string; store: string; storeUrl?: string | undefined },
  kept: string[],
): Promise<string[]> {
  const address = storeKinds[store]?.address;
  if (!address) return [];
  const example = `STORE_URL=${address.example}`;
  if (!kept.includes(envFileName)) {
    if (storeUrl !== undefined) return [];
    return [`The server needs to know where the store ${store} is: put it into ${envFileName}, such as ${example}`];
  }
  const found = parseEnv(await readFile(join(directory, envFileName), 'utf8')).STORE_URL;
  if (!found) return [`${envFileName} stays as it is, and has no STORE_URL: put one into it, such as ${example}`];
  if (storeUrl === undefined || storeUrl === found) return [];
  return [`${envFileName} stays as it is, and has another STORE_URL than the one given.`];
}

function warnOfIgnore(content: string): string[] {
  const open = privateNames.filter((name) => !isIgnored(content, name));
  if (open.length === 0) return [];
  return [
    `.gitignore stays as it is, and does not cover ${open.join(', ')}: add ${open.length === 1 ? 'it' : 'them'}.`,
  ];
}

function warnOfSettings(content: string): string[] {
  if (/^\s*(export\s+)?SESSION_SECRET\s*=\s*\S/m.test(content)) return [];
  return [`${envFileName} stays as it is, and has no SESSION_SECRET: the server does not start without one.`];
}

// gitignore(5), for a name at the top: the last pattern that matches decides.
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
