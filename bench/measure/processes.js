import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';

const running = new Set();

/** Starts a program that is killed when this process exits. */
export function start(file, args, options = {}) {
  if (!process.listeners('exit').includes(killRunning)) process.on('exit', killRunning);
  const child = spawn(file, args, options);
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

function killRunning() {
  for (const child of running) child.kill('SIGKILL');
}

/** @returns the output of a program. @throws when it fails */
export async function run(file, args, options = {}) {
  const child = start(file, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'])
    child[name]?.setEncoding('utf8').on('data', (text) => {
      texts[name] += text;
    });
  const [code, signal] = await once(child, 'close');
  if (code === 0) return texts.stdout;
  throw new Error(`${file} ${args.join(' ')} exited with ${signal ?? code}:\n${texts.stderr}${texts.stdout}`);
}

/** The processors that this process may use: the first is for the load, the second for the server. */
export function allowedCores() {
  const list = /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return parseCores(list).map(String);
}

/** @param list such as `0-3,8` */
export function parseCores(list) {
  return list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

export function loadCore() {
  return allowedCores()[0];
}

export function serverCore() {
  return allowedCores()[1];
}

let ticksPerSecond;

/** The CPU time of a process and its descendants, in microseconds. */
export function cpuMicrosOf(pid) {
  ticksPerSecond ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  const ticks = familyOf(pid).reduce((sum, { cpuTicks }) => sum + cpuTicks, 0);
  return (ticks * 1e6) / ticksPerSecond;
}

/** The memory of a process and its descendants, by kind, in bytes. */
export function memoryOf(pid) {
  const total = { rssBytes: 0, ownBytes: 0 };
  for (const member of familyOf(pid)) {
    const status = readFileSync(`/proc/${member.pid}/status`, 'utf8');
    const read = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) * 1024;
    total.rssBytes += read('VmRSS');
    total.ownBytes += read('RssAnon');
  }
  return total;
}

function familyOf(pid) {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(readStat)
    .filter((stat) => stat !== undefined);
  const members = all.filter((stat) => stat.pid === pid);
  for (const member of members) members.push(...all.filter(({ parent }) => parent === member.pid));
  return members;
}

// Undefined when the process has exited since it was listed.
function readStat(pid) {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return undefined;
    throw error;
  }
}

/** @param line the line of /proc/<pid>/stat; the program's name in it can contain spaces and parentheses */
export function parseStat(line) {
  const fields = line
    .slice(line.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  return { pid: Number.parseInt(line, 10), parent: fields[1], cpuTicks: fields[11] + fields[12] };
}
