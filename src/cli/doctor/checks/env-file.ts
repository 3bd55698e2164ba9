import type { Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { orUndefined } from '../../../errors.ts';
import { envFileName, secretVariable } from '../../../settings/secrets.ts';
import type { System } from '../../../system.ts';
import { type Check, type Finding, ok, problem } from '../check.ts';
import { chownTo, hasSameOwner } from '../file-owner.ts';
import { sessapp, typeOn } from '../remedies.ts';

/** Is `.env` there, its owner's alone, and a list of variables? */
export const envFile: Check = {
  name: envFileName,
  async examine({ directory }, system) {
    const path = join(directory, envFileName);
    const found = await orUndefined(stat(path), 'ENOENT');
    if (!found) return [missing(system, directory)];
    if (!found.isFile()) return [problem(`${path} is no file.`, whyMissing, 'Move it away, then run this again.')];
    const findings = [...examineOwner(path, found, await stat(directory)), ...examineMode(path, found)];
    // What it holds cannot be seen then.
    if (findings.length === 0) findings.push(...(await examineText(path)));
    return findings.length > 0 ? findings : [ok('Only its owner can read it.')];
  },
};

const whyMissing = 'The server has no secret to sign sessions with, and does not start.';
const whyClosed = 'The server runs as the owner of the environment, and does not start without its secret.';
const whyOpen = 'Who reads the secret can forge a session of anybody.';

function missing({ env }: System, directory: string): Finding {
  if (env[secretVariable]) return ok(`There is none; ${secretVariable} is set in the environment variables.`);
  const rotate = sessapp(directory, 'secret rotate');
  return problem('There is no .env.', whyMissing, 'It makes one with a new secret.', rotate);
}

function examineOwner(path: string, found: Stats, owner: Stats): Finding[] {
  if (hasSameOwner(found, owner)) return [];
  const fact = `It belongs to user ${found.uid}, the environment to user ${owner.uid}.`;
  return [problem(fact, whyClosed, chownTo(owner, [], path))];
}

function examineMode(path: string, { mode }: Stats): Finding[] {
  if (process.platform === 'win32') return [];
  const isOpen = (mode & 0o077) !== 0;
  if (!isOpen && (mode & 0o400) !== 0) return [];
  const shown = (mode & 0o777).toString(8).padStart(4, '0');
  const fact = isOpen
    ? `Others than its owner may use it (mode ${shown}).`
    : `Its owner may not read it (mode ${shown}).`;
  return [problem(fact, isOpen ? whyOpen : whyClosed, typeOn(['chmod', '600'], path))];
}

// Node.js takes a line without `=` for the beginning of the next one's name: that variable is lost.
async function examineText(path: string): Promise<Finding[]> {
  const text = (await readFile(path, 'utf8')).replace(/^\ufeff/, '');
  if (/[\0\ufffd]/.test(text))
    return [problem('It is not in UTF-8.', 'The server does not start.', 'Save it in UTF-8, as plain text.')];
  const odd = Object.keys(parseEnv(text)).filter((name) => !/^\w+$/.test(name));
  if (odd.length === 0) return [];
  const lines = odd.map((name) => text.slice(0, Math.max(0, text.indexOf(name))).split('\n').length);
  const fact = `It has lines that are no NAME=value: number ${lines.join(', ')}.`;
  const why = 'Node.js reads such a line together with the next one, whose variable is lost.';
  return [problem(fact, why, 'Mend or remove them.')];
}
