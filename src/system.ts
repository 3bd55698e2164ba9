import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { existsSync, type StatsFs } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Readable, Writable } from 'node:stream';
import { hasCode, Interrupted, type InterruptSignal, interruptSignals, UserError } from './errors.ts';
import { endsWithTerminal } from './terminal.ts';

/** Everything a command takes from the world around it, so that a test can hand it another one. */
export interface System {
  /** The working directory, absolute. */
  cwd: string;
  env: NodeJS.ProcessEnv;
  stdin: Readable & { isTTY?: boolean };
  stdout: Writable & { isTTY?: boolean; columns?: number };
  stderr: Writable & { isTTY?: boolean; columns?: number };
  /** The time in milliseconds since 1970. */
  now(): number;
  /** What is known of the file system that a path is on. */
  statfs(path: string): Promise<StatsFs>;
  /**
   * From here on a signal aborts this instead of ending the process. Its reason is an `Interrupted`,
   * which the command that calls it throws when it has cleared up. A second one kills what `run` waits for.
   */
  catchInterrupts(): AbortSignal;
  /** Runs `file` with `args`, never through a shell, and resolves when it has ended, whatever its exit code. */
  run(file: string, args: string[], options: RunOptions): Promise<RunResult>;
  /** Starts `file` with `args`, never through a shell, and returns at once. */
  start(file: string, args: string[], options: SpawnOptions): ChildProcess;
  /** True for a command of this tool whose operand is the environment: `serve [dir]`. To the others it is `-e <dir>`. */
  takesDirectory(command: string): Promise<boolean>;
}

export interface RunOptions {
  cwd: string;
  /** The whole environment of the child; nothing is added to it. */
  env: NodeJS.ProcessEnv;
  /** Ends the child with SIGTERM; with SIGKILL where it has not ended after 2.5 s, or at a second signal to this process. */
  cancelSignal?: AbortSignal;
}

export interface RunResult {
  /** Undefined when a signal ended the child or it could not be started. */
  exitCode: number | undefined;
  signal: NodeJS.Signals | undefined;
  /** Node's error code when the child could not be started, such as `ENOENT`. */
  startError: string | undefined;
  stdout: string;
  stderr: string;
}

/** The real world. What is known of the commands comes from above, as nothing below them imports them. */
export function createSystem(takesDirectory: System['takesDirectory']): System {
  return {
    get cwd() {
      return readWorkingDirectory();
    },
    env: process.env,
    // Most commands read nothing, and to open it took 5 of the 150 ms of `info` in a profile.
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    now: Date.now,
    statfs: (path) => statfs(path),
    catchInterrupts,
    run,
    start,
    takesDirectory,
  };
}

// Most commands start nothing, and to load this module takes a tenth of their time.
function start(file: string, args: string[], options: SpawnOptions): ChildProcess {
  const { spawn } = createRequire(import.meta.url)('node:child_process') as typeof import('node:child_process');
  return spawn(file, args, options);
}

function readWorkingDirectory(): string {
  try {
    return process.cwd();
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    throw new UserError('cwd-missing', 'The working directory does not exist any more.', 'Change to another one: cd');
  }
}

/** How long a child may take to end when it is asked to: npm at times takes no notice. */
const endMs = 2500;
/** What comes sooner after a signal is the same one: npx passes on a Ctrl-C that the terminal has sent already. */
const againMs = 100;

let interrupts: AbortController | undefined;
const impatience = new EventEmitter().setMaxListeners(0);

function catchInterrupts(): AbortSignal {
  if (interrupts) return interrupts.signal;
  const controller = new AbortController();
  let sinceMs = 0;
  const isHeard = { SIGHUP: endsWithTerminal(), SIGINT: true, SIGTERM: true };
  for (const signal of Object.keys(interruptSignals) as InterruptSignal[]) {
    process.on(signal, () => {
      if (!isHeard[signal]) return;
      if (!controller.signal.aborted) sinceMs = performance.now();
      else if (performance.now() - sinceMs > againMs) impatience.emit('again');
      controller.abort(new Interrupted(signal));
    });
  }
  interrupts = controller;
  return controller.signal;
}

async function run(file: string, args: string[], options: RunOptions): Promise<RunResult> {
  const { execa } = await import('execa');
  const child = execa(file, args, {
    cwd: options.cwd,
    env: options.env,
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    forceKillAfterDelay: endMs,
    ...(options.cancelSignal && { cancelSignal: options.cancelSignal }),
  });
  const kill = (): unknown => child.kill('SIGKILL');
  impatience.on('again', kill);
  const result = await child.finally(() => impatience.off('again', kill));
  const startError = result.exitCode === undefined && !result.isTerminated ? result.code : undefined;
  // The system's code is the same for a program that is not there.
  if (startError === 'ENOENT' && !existsSync(options.cwd))
    throw new UserError('directory-missing', `There is no directory ${options.cwd}.`, 'Run the same command again.');
  return {
    exitCode: result.exitCode,
    signal: result.signal,
    startError,
    stdout: result.stdout ?? '',
    stderr: result.stderr ?? '',
  };
}
