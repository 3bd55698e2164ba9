import type { Stats } from 'node:fs';
import { lstat, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { orUndefined } from '../../../errors.ts';
import { envFileName, secretVariable } from '../../../settings/secrets.ts';
import type { System } from '../../../system.ts';
import { type Check, type Finding, ok, problem } from '../check.ts';
import { chownTo, hasSameOwner } from '../file-owner.ts';
import { sessapp, typeOn } from '../remedies.ts';

/** Does `.env` exist, can only its owner read it, and does every line parse? */
export const envFile: Check = {
  name: envFileName,
  async examine({ directory }, system) {
    const path = join(directory, envFileName);
    const isThere = await orUndefined(lstat(path), 'ENOENT');
    const found = await orUndefined(stat(path), 'ENOENT', 'ELOOP');
    if (!found && !isThere?.isSymbolicLink()) return [missing(system, directory)];
    if (!found?.isFile()) return [problem(`${path} is not a file.`, whyMissing, 'Rename it, then run doctor again.')];
    const findings = [...examineOwner(path, found, await stat(directory)), ...examineMode(path, found)];
    // With the wrong owner or mode, the file may not be readable.
    if (findings.length === 0) findings.push(...(await examineText(path)));
    return findings.length > 0 ? findings : [ok('Only its owner can read .env.')];
  },
};

const whyMissing = 'The server does not start without a secret to sign session cookies.';
const whyClosed = 'The server runs as the owner of the environment, and cannot start unless it can read the secret.';
const whyOpen = 'Anyone who can read the secret can forge sessions of every user.';

function missing({ env }: System, directory: string): Finding {
  if (env[secretVariable]) return ok(`There is no .env; the environment variable ${secretVariable} is set.`);
  const rotate = sessapp(directory, 'secret rotate');
  return problem('There is no .env.', whyMissing, 'Create one with a new secret.', rotate);
}

function examineOwner(path: string, found: Stats, owner: Stats): Finding[] {
  if (hasSameOwner(found, owner)) return [];
  const fact = `.env belongs to user ${found.uid}, but the environment belongs to user ${owner.uid}.`;
  return [problem(fact, whyClosed, chownTo(owner, [], path))];
}

function examineMode(path: string, { mode }: Stats): Finding[] {
  if (process.platform === 'win32') return [];
  const isOpen = (mode & 0o077) !== 0;
  if (!isOpen && (mode & 0o400) !== 0) return [];
  const shown = (mode & 0o777).toString(8).padStart(4, '0');
  const fact = isOpen
    ? `Other users can read or change .env (mode ${shown}).`
    : `The owner of .env cannot read it (mode ${shown}).`;
  return [problem(fact, isOpen ? whyOpen : whyClosed, typeOn(['chmod', '600'], path))];
}

// Node.js treats a line without `=` as the start of the next line's name, so that variable gets the wrong name.
async function examineText(path: string): Promise<Finding[]> {
  const text = (await readFile(path, 'utf8')).replace(/^\ufeff/, '');
  if (/[\0\ufffd]/.test(text))
    return [problem('.env is not UTF-8 text.', 'The server does not start.', 'Save the file as plain text in UTF-8.')];
  const odd = Object.keys(parseEnv(text)).filter((name) => !/^\w+$/.test(name));
  if (odd.length === 0) return [];
  const lines = odd.map((name) => text.slice(0, Math.max(0, text.indexOf(name))).split('\n').length);
  const fact = `.env has lines that are not NAME=value: ${lines.length === 1 ? 'line' : 'lines'} ${lines.join(', ')}.`;
  const why = 'Node.js joins such a line with the next one, and the variable of the next line is lost.';
  return [problem(fact, why, 'Correct or remove these lines.')];
}
