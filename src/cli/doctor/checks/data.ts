import type { Stats } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { orUndefined } from '../../../errors.ts';
import { isThere } from '../../../files.ts';
import { realDirectory } from '../../paths.ts';
import { type Check, type CommandLine, type Finding, nameSome, ok, problem } from '../check.ts';
import { chownTo, hasSameOwner } from '../file-owner.ts';
import { moveAside, typeOn } from '../remedies.ts';

/** Can only the owner of the environment access `data/`, which holds the sessions? */
export const data: Check = {
  name: 'data',
  async examine({ directory }) {
    if (process.platform === 'win32') return [ok('Not checked: Windows has no file modes.')];
    const path = join(directory, 'data');
    if (!(await isThere(path))) return [ok('There is no data/ yet.')];
    const real = await realDirectory(path);
    if (real === undefined) return [noDirectory(path)];
    const findings = await examineTree(real, await stat(directory));
    return findings.length > 0 ? findings : [ok('Only its owner can read data/.')];
  },
};

function noDirectory(path: string): Finding {
  const why = 'The server cannot store its sessions there.';
  return problem(`${path} is not a directory.`, why, 'Rename it.', moveAside(path));
}

async function examineTree(path: string, owner: Stats): Promise<Finding[]> {
  const faults: Record<Fault, string[]> = { open: [], closed: [], foreign: [] };
  for await (const [name, found] of walk(path)) {
    const fault = faultOf(found, owner);
    if (fault) faults[fault].push(name);
  }
  const chmod = typeOn(['chmod', '-R', 'u+rwX,go-rwx'], path);
  return [
    ...report('Owned by another user', faults.foreign, whyClosed, chownTo(owner, ['-R'], path)),
    ...report('Other users have access', faults.open, whyOpen, chmod),
    ...report('The owner has no access', faults.closed, whyClosed, chmod),
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

const whyOpen = 'Other users of this machine can read or change the sessions.';
const whyClosed = 'The server runs as the owner of the environment, and cannot store its sessions there.';

// Exists when data/ is the mount point of a file system. It belongs to root, and the server never opens it.
const lostAndFound = 'data/lost+found';

// `path` itself may be a link. Links inside it are not followed, because their targets may belong to something else. Files
// may disappear during the walk. An unreadable file is skipped here: its mode has already been reported.
async function* walk(path: string, name = 'data'): AsyncGenerator<[name: string, found: Stats]> {
  const found = name === lostAndFound ? undefined : await orUndefined(lstat(path), 'ENOENT', 'EACCES');
  if (!found || found.isSymbolicLink()) return;
  yield [name, found];
  if (!found.isDirectory()) return;
  const entries = (await orUndefined(readdir(path), 'ENOENT', 'EACCES')) ?? [];
  for (const entry of entries) yield* walk(join(path, entry), `${name}/${entry}`);
}
