import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { hasCode, orUndefined } from '../../errors.ts';

/**
 * Identifies a process. It differs from a later process with the same pid, from processes before a reboot, and from those
 * of another machine or container that shares the directory.
 */
export interface ProcessIdentity {
  pid: number;
  /** The start time in a unit of the system. Compare it for equality only. */
  started: string;
  /** A hash of the machine's boot and the pid namespace. */
  machine: string;
}

/** Undefined when there is no such process, or it is a zombie. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const started = process.platform === 'linux' ? await startOnLinux(pid) : await startByPs(pid);
  return started === undefined ? undefined : { pid, started, machine: await machine() };
}

/** True while the process with this identity is running. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  const now = await identify(identity.pid);
  return now !== undefined && now.started === identity.started && now.machine === identity.machine;
}

/** Kills a process that was started detached, with its child processes. */
export function killGroup(pid: number): void {
  // kill(2): 0 means the group of this process, and -1 every process.
  if (pid <= 1) throw new RangeError(`${pid} is not the pid of a started process`);
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
    // The process exists and belongs to another user.
    if (signal === 0 && hasCode(error, 'EPERM')) return true;
    throw error;
  }
}

/** The program names of the parent process, its parent, and so on. Empty when the system does not report them. */
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

/** True when the identity is of this machine and this boot. Only then is the result of `isRunning` valid. */
export async function isOfThisMachine(identity: ProcessIdentity): Promise<boolean> {
  return identity.machine === (await machine());
}

async function startOnLinux(pid: number): Promise<string | undefined> {
  const { fields = [] } = (await readStat(pid)) ?? {};
  return fields[0] === 'Z' ? undefined : fields[19];
}

// proc(5): the pid, the name in parentheses (any text), the state, the parent's pid; field 22 is the start time.
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
  // The host name may change while the machine runs, so it is only the fallback.
  const boot = (await readIfThere('/proc/sys/kernel/random/boot_id')) ?? hostname();
  const namespace = process.platform === 'linux' ? await readlink('/proc/self/ns/pid') : '';
  // Imported on demand: most commands do not need it.
  const { createHash } = await import('node:crypto');
  return createHash('sha256').update(`${boot}\n${namespace}`).digest('hex').slice(0, 8);
}

async function readIfThere(path: string): Promise<string | undefined> {
  return orUndefined(readFile(path, 'utf8'), 'ENOENT', 'ESRCH');
}
