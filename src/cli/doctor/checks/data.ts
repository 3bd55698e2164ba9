import type { Stats } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { nearPath, quoteLine } from '../../shells/shells.ts';
import { hasCode } from '../../../errors.ts';
import { isThere } from '../../scaffold/existing.ts';
import type { System } from '../../../system.ts';
import { type Check, type Finding, ok, problem, type, typeOn } from '../check.ts';
import { giveLine, isOwner } from '../owner.ts';
import { nameSome, realpathIfThere } from '../resolve.ts';

/** Is `data/` with the sessions its owner's alone? */
export const data: Check = {
  name: 'data',
  async examine({ directory }, system) {
    if (process.platform === 'win32') return [ok('Modes say nothing on this system.')];
    const path = join(directory, 'data');
    const kind = await kindOf(path);
    if (kind === 'missing') return [ok('There is none yet.')];
    if (kind === 'other') return [await noDirectory(system, path)];
    const findings = await examineTree(system, await realpath(path), await stat(directory));
    return findings.length > 0 ? findings : [ok('Only its owner can read it.')];
  },
};

async function examineTree(system: System, path: string, owner: Stats): Promise<Finding[]> {
  const faults: Record<Fault, string[]> = { open: [], closed: [], foreign: [] };
  for await (const [name, found] of walk(path)) {
    const fault = faultOf(found, owner);
    if (fault) faults[fault].push(name);
  }
  const mend = await typeOn(system, ['chmod', '-R', 'u+rwX,go-rwx'], path);
  const give = type(await giveLine(system, owner, ['-R'], path));
  return [
    ...tell('Another user’s', faults.foreign, whyClosed, give),
    ...tell('Open to others than its owner', faults.open, whyOpen, mend),
    ...tell('Closed to its owner', faults.closed, whyClosed, mend),
  ];
}

type Fault = 'open' | 'closed' | 'foreign';

function faultOf(found: Stats, owner: Stats): Fault | undefined {
  const needed = found.isDirectory() ? 0o700 : 0o600;
  if (!isOwner(found, owner)) return 'foreign';
  if ((found.mode & 0o077) !== 0) return 'open';
  return (found.mode & needed) === needed ? undefined : 'closed';
}

function tell(fact: string, names: string[], why: string, remedy: string): Finding[] {
  return names.length === 0 ? [] : [problem(`${fact}: ${nameSome(names)}.`, why, remedy)];
}

const whyOpen = 'What users have in their sessions is nobody else’s business.';
const whyClosed = 'The server runs as the owner of the environment, and cannot keep its sessions there.';

async function kindOf(path: string): Promise<'directory' | 'missing' | 'other'> {
  if (!(await isThere(path))) return 'missing';
  const real = await realpathIfThere(path);
  return real !== undefined && (await stat(real)).isDirectory() ? 'directory' : 'other';
}

async function noDirectory(system: System, path: string): Promise<Finding> {
  const near = nearPath(system.cwd, path);
  const aside = type(await quoteLine(system, 'mv', near, `${near}.damaged`));
  return problem(`${path} is no directory.`, 'The server has no place to keep sessions in.', `Move it away. ${aside}`);
}

// The root of a file system that is mounted there has it. It is root's, and no server looks into it.
const lostAndFound = 'data/lost+found';

// It may be a link itself; links in it are left alone, as where they lead to need not be ours.
async function* walk(path: string, name = 'data'): AsyncGenerator<[name: string, found: Stats]> {
  const found = name === lostAndFound ? undefined : await lstatIfThere(path);
  if (!found || found.isSymbolicLink()) return;
  yield [name, found];
  if (!found.isDirectory()) return;
  for (const entry of await namesIn(path)) yield* walk(join(path, entry), `${name}/${entry}`);
}

// It may go while we look. What its owner may not read has been told by its mode.
async function lstatIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES')) return undefined;
    throw error;
  }
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES')) return [];
    throw error;
  }
}
