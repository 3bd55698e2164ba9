import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { orUndefined } from '../../../errors.ts';
import { type Check, nameSome, note, ok, problem, type Remedy, type Subject } from '../check.ts';
import { typeOn } from '../remedies.ts';

const groupMayWrite = 0o020;
const othersMayWrite = 0o002;

/** Can only the owner write to the folders that the server loads code from? */
export const folders: Check = {
  name: 'folders',
  async examine(subject) {
    if (process.platform === 'win32') return [ok('Not checked: Windows has no file modes.')];
    const open = await findOpen(subject);
    if (open.length === 0) return [ok('Only the owner can write to the folders with code.')];
    const isOpenToAll = open.some(({ mode }) => (mode & othersMayWrite) !== 0);
    const names = open.map(({ name }) => name);
    const fact = `${isOpenToAll ? 'Every user' : 'The group'} can write to: ${nameSome(names)}.`;
    const remedy = closing(subject.directory, names);
    // A group may be a team that works on the environment, so this is only a note.
    return [(isOpenToAll ? problem : note)(fact, 'Anyone who can write there can run code as the server.', ...remedy)];
  },
};

/** Looks at the folders of generated files and at node_modules. The check `data` covers `data/`. */
async function findOpen({ directory, marker }: Subject): Promise<{ name: string; mode: number }[]> {
  const names = new Set(['.', 'node_modules', ...Object.keys(marker?.files ?? {}).map((path) => dirname(path))]);
  const found = [...names].sort().map(async (name) => {
    const folder = await orUndefined(stat(join(directory, name)), 'ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES');
    return { name, mode: folder?.mode ?? 0 };
  });
  return (await Promise.all(found)).filter(({ mode }) => (mode & (groupMayWrite | othersMayWrite)) !== 0);
}

// Only npm writes to node_modules, so its whole tree is closed. Other folders may contain a subfolder that is open on purpose.
function closing(directory: string, names: string[]): Remedy {
  const others = names.filter((name) => name !== 'node_modules').map((name) => join(directory, name));
  const packages = join(directory, 'node_modules');
  return [
    ...(others.length > 0 ? [typeOn(['chmod', 'go-w'], ...others)] : []),
    ...(names.includes('node_modules') ? [typeOn(['chmod', '-R', 'go-w'], packages)] : []),
  ];
}
