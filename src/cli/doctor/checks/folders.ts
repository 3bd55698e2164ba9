import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { orUndefined } from '../../../errors.ts';
import { type Check, nameSome, note, ok, problem, type Remedy, type Subject } from '../check.ts';
import { typeOn } from '../remedies.ts';

const groupMayWrite = 0o020;
const othersMayWrite = 0o002;

/** Can nobody but the owner put code into the folders that the server runs from? */
export const folders: Check = {
  name: 'folders',
  async examine(subject) {
    if (process.platform === 'win32') return [ok('Modes say nothing on this system.')];
    const open = await findOpen(subject);
    if (open.length === 0) return [ok('Only its owner can write to them.')];
    const isOpenToAll = open.some(({ mode }) => (mode & othersMayWrite) !== 0);
    const names = open.map(({ name }) => name);
    const fact = `${isOpenToAll ? 'Every user' : 'The group'} can write to: ${nameSome(names)}.`;
    const remedy = closing(subject.directory, names);
    // A group may be one that works on it together.
    return [(isOpenToAll ? problem : note)(fact, 'Who can put a file there runs code as the server.', ...remedy)];
  },
};

/** The folders of what `init` wrote, and of packages. `data/` has a check of its own. */
async function findOpen({ directory, marker }: Subject): Promise<{ name: string; mode: number }[]> {
  const names = new Set(['.', 'node_modules', ...Object.keys(marker?.files ?? {}).map((path) => dirname(path))]);
  const found = [...names].sort().map(async (name) => {
    const folder = await orUndefined(stat(join(directory, name)), 'ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES');
    return { name, mode: folder?.mode ?? 0 };
  });
  return (await Promise.all(found)).filter(({ mode }) => (mode & (groupMayWrite | othersMayWrite)) !== 0);
}

// What is in node_modules is npm's alone; in the others there may be a folder of the user's own, open on purpose.
function closing(directory: string, names: string[]): Remedy {
  const others = names.filter((name) => name !== 'node_modules').map((name) => join(directory, name));
  const packages = join(directory, 'node_modules');
  return [
    ...(others.length > 0 ? [typeOn(['chmod', 'go-w'], ...others)] : []),
    ...(names.includes('node_modules') ? [typeOn(['chmod', '-R', 'go-w'], packages)] : []),
  ];
}
