import type { Stats } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { orUndefined } from '../../../errors.ts';
import { isThere } from '../../../files.ts';
import { realDirectory } from '../../paths.ts';
import { type Check, type CommandLine, type Finding, nameSome, ok, problem } from '../check.ts';
import { chownTo, hasSameOwner } from '../file-owner.ts';
import { moveAside, typeOn } from '../remedies.ts';

/** Is `data/` with the sessions its owner's alone? */
export const data: Check = {
  name: 'data',
  async examine({ directory }) {
    if (process.platform === 'win32') return [ok('Modes say nothing on this system.')];
    const path = join(directory, 'data');
    if (!(await isThere(path))) return [ok('There is none yet.')];
    const real = await realDirectory(path);
    if (real === undefined) return [noDirectory(path)];
    const findings = await examineTree(real, await stat(directory));
    return findings.length > 0 ? findings : [ok('Only its owner can read it.')];
  },
};

function noDirectory(path: string): Finding {
  const why = 'The server has no place to keep sessions in.';
  return problem(`${path} is no directory.`, why, 'Move it away.', moveAside(path));
}

async function examineTree(path: string, owner: Stats): Promise<Finding[]> {
  const faults: Record<Fault, string[]> = { open: [], closed: [], foreign: [] };
  for await (const [name, found] of walk(path)) {
    const fault = faultOf(found, owner);
    if (fault) faults[fault].push(name);
  }
  const mend = typeOn(['chmod', '-R', 'u+rwX,go-rwx'], path);
  return [
    ...report('Another user’s', faults.foreign, whyClosed, chownTo(owner, ['-R'], path)),
    ...report('Open to others than its owner', faults.open, whyOpen, mend),
    ...report('Closed to its owner', faults.closed, whyClosed, mend),
  ];
}

type Fault = 'open' | 'closed' | 'foreign';

function faultOf(found: Stats, owner: Stats): Fault | undefined {
  const needed = found.isDirectory() ? 0o700 : 0o600;
  if (!hasSameOwner(found, owner)) return 'foreign';
  if ((found.mode & 0o077) !== 0) return 'open';
  return (found.mode & needed) === needed ? undefined : 'closed';
}

function report(fact: string, names: string[], why: string, remedy: CommandLine): Finding[] {
  return names.length === 0 ? [] : [problem(`${fact}: ${nameSome(names)}.`, why, remedy)];
}

const whyOpen = 'What users have in their sessions is nobody else’s business.';
const whyClosed = 'The server runs as the owner of the environment, and cannot keep its sessions there.';

// The root of a file system that is mounted there has it. It is root's, and no server looks into it.
const lostAndFound = 'data/lost+found';

// The path may be a link itself; links in it are left alone, as where they lead to need not be ours. Any of it may go
// while we look, and what its owner may not read has been told by its mode.
async function* walk(path: string, name = 'data'): AsyncGenerator<[name: string, found: Stats]> {
  const found = name === lostAndFound ? undefined : await orUndefined(lstat(path), 'ENOENT', 'EACCES');
  if (!found || found.isSymbolicLink()) return;
  yield [name, found];
  if (!found.isDirectory()) return;
  const entries = (await orUndefined(readdir(path), 'ENOENT', 'EACCES')) ?? [];
  for (const entry of entries) yield* walk(join(path, entry), `${name}/${entry}`);
}
