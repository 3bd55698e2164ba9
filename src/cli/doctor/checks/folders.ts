import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { nearPath, quoteLine } from '../../shells/shells.ts';
import { hasCode } from '../../../errors.ts';
import type { System } from '../../../system.ts';
import { type Check, note, ok, problem, type Subject, type } from '../check.ts';
import { nameSome } from '../resolve.ts';

const groupMayWrite = 0o020;
const othersMayWrite = 0o002;

/** Can nobody but the owner put code into the folders that the server runs from? */
export const folders: Check = {
  name: 'folders',
  async examine(subject, system) {
    if (process.platform === 'win32') return [ok('Modes say nothing on this system.')];
    const open = await findOpen(subject);
    if (open.length === 0) return [ok('Only its owner can write to them.')];
    const isOpenToAll = open.some(({ mode }) => (mode & othersMayWrite) !== 0);
    const names = open.map(({ name }) => name);
    const fact = `${isOpenToAll ? 'Every user' : 'The group'} can write to: ${nameSome(names)}.`;
    const remedy = type(...(await closing(system, subject.directory, names)));
    // A group may be one that works on it together.
    return [(isOpenToAll ? problem : note)(fact, 'Who can put a file there runs code as the server.', remedy)];
  },
};

/** The folders of what `init` wrote, and of packages. `data/` has a check of its own. */
async function findOpen({ directory, marker }: Subject): Promise<{ name: string; mode: number }[]> {
  const names = new Set(['.', 'node_modules', ...Object.keys(marker?.files ?? {}).map((path) => dirname(path))]);
  const found = [...names].sort().map(async (name) => ({ name, mode: await modeOf(join(directory, name)) }));
  return (await Promise.all(found)).filter(({ mode }) => (mode & (groupMayWrite | othersMayWrite)) !== 0);
}

async function modeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).mode;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES')) return 0;
    throw error;
  }
}

// What is in node_modules is npm's alone; in the others there may be a folder of the user's own, open on purpose.
async function closing(system: System, directory: string, names: string[]): Promise<string[]> {
  const line = (words: string[], paths: string[]): Promise<string> =>
    quoteLine(system, 'chmod', ...words, 'go-w', ...paths.map((name) => nearPath(system.cwd, join(directory, name))));
  const others = names.filter((name) => name !== 'node_modules');
  return Promise.all([
    ...(others.length > 0 ? [line([], others)] : []),
    ...(names.includes('node_modules') ? [line(['-R'], ['node_modules'])] : []),
  ]);
}
