import { readFile } from 'node:fs/promises';
import { orUndefined } from '../../errors.ts';

/** The names of the programs that this process was started by, the nearest first. Empty where the system does not tell. */
export async function listAncestors(): Promise<string[]> {
  const names: string[] = [];
  for (let pid = process.ppid; pid > 1; ) {
    const stat = await readStat(pid);
    if (!stat) break;
    names.push(stat.name);
    pid = stat.parent;
  }
  return names;
}

// proc(5): the pid, the name in parentheses, which may hold anything, the state, the parent's pid.
async function readStat(pid: number): Promise<{ name: string; parent: number } | undefined> {
  const stat = await orUndefined(readFile(`/proc/${pid}/stat`, 'utf8'), 'ENOENT', 'ESRCH', 'EACCES');
  if (stat === undefined) return undefined;
  const end = stat.lastIndexOf(')');
  return { name: stat.slice(stat.indexOf('(') + 1, end), parent: Number(stat.slice(end + 2).split(' ')[1]) };
}
