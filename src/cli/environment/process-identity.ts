import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { hasCode, orUndefined } from '../../errors.ts';

/**
 * A process that can be told from a later one with the same pid, from one of before a reboot, and from one of
 * another machine or container that shares the directory.
 */
export interface ProcessIdentity {
  pid: number;
  /** When it started, in whatever unit this system tells it: only equality counts. */
  started: string;
  /** The machine, its boot, and its pid namespace, hashed. */
  machine: string;
}

/** Undefined when there is no such process, or only its remains (a zombie). */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const started = process.platform === 'linux' ? await startOnLinux(pid) : await startByPs(pid);
  return started === undefined ? undefined : { pid, started, machine: await machine() };
}

/** True while the very process that the identity names is running. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  const now = await identify(identity.pid);
  return now !== undefined && now.started === identity.started && now.machine === identity.machine;
}

/** Ends for good a process that was started detached, with those that it has started. */
export function killGroup(pid: number): void {
  // Zero is the group of this process itself, and minus one everybody's.
  if (pid <= 1) throw new RangeError(`${pid} is no process that was started`);
  signalIfThere(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
}

export async function signalIfRunning(identity: ProcessIdentity, signal: NodeJS.Signals): Promise<void> {
  if (await isRunning(identity)) signalIfThere(identity.pid, signal);
}

/** @returns false when there is no such process */
function signalIfThere(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (hasCode(error, 'ESRCH')) return false;
    // Another user's.
    if (signal === 0 && hasCode(error, 'EPERM')) return true;
    throw error;
  }
}

/** The names of the programs that this process was started by, the nearest first. Empty where the system does not tell. */
export async function listAncestors(): Promise<string[]> {
  const names: string[] = [];
  for (let pid = process.ppid; pid > 1; ) {
    const stat = await orUndefined(readStat(pid), 'EACCES');
    if (!stat) break;
    names.push(stat.name);
    pid = Number(stat.fields[1]);
  }
  return names;
}

/** True when the identity was taken on this machine, in this boot, so that `isRunning` can be believed. */
export async function isOfThisMachine(identity: ProcessIdentity): Promise<boolean> {
  return identity.machine === (await machine());
}

async function startOnLinux(pid: number): Promise<string | undefined> {
  const { fields = [] } = (await readStat(pid)) ?? {};
  return fields[0] === 'Z' ? undefined : fields[19];
}

// proc(5): the pid, the name in parentheses, which may hold anything, the state, the parent's pid; field 22 is the start time.
async function readStat(pid: number): Promise<{ name: string; fields: string[] } | undefined> {
  const stat = await readIfThere(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const end = stat.lastIndexOf(')');
  return { name: stat.slice(stat.indexOf('(') + 1, end), fields: stat.slice(end + 2).split(' ') };
}

async function startByPs(pid: number): Promise<string | undefined> {
  if (process.platform === 'win32') return signalIfThere(pid, 0) ? 'unknown' : undefined;
  const { execFile } = await import('node:child_process');
  const { promisify } = await import('node:util');
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)]);
    return stdout.trim().replace(/\W+/g, '') || undefined;
  } catch (error) {
    if ((error as { code?: unknown }).code === 1) return undefined;
    throw error;
  }
}

async function machine(): Promise<string> {
  // A name may change while the machine runs: it counts only where nothing else tells one from another.
  const boot = (await readIfThere('/proc/sys/kernel/random/boot_id')) ?? hostname();
  const namespace = process.platform === 'linux' ? await readlink('/proc/self/ns/pid') : '';
  // Loaded when it is needed: most commands end without it.
  const { createHash } = await import('node:crypto');
  return createHash('sha256').update(`${boot}\n${namespace}`).digest('hex').slice(0, 8);
}

async function readIfThere(path: string): Promise<string | undefined> {
  return orUndefined(readFile(path, 'utf8'), 'ENOENT', 'ESRCH');
}
