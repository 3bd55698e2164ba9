import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { existsSync, type StatsFs } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Readable, Writable } from 'node:stream';
import { hasCode, Interrupted, type InterruptSignal, interruptSignals, UserError } from './errors.ts';
import { endsWithTerminal } from './terminal.ts';

/** Everything that a command uses of the operating system, so that a test can replace it. */
export interface System {
  /** The working directory, absolute. */
  cwd: string;
  env: NodeJS.ProcessEnv;
  stdin: Readable & { isTTY?: boolean };
  stdout: Writable & { isTTY?: boolean; columns?: number };
  stderr: Writable & { isTTY?: boolean; columns?: number };
  /** The time in milliseconds since 1970. */
  now(): number;
  /** Information about the file system that a path is on. */
  statfs(path: string): Promise<StatsFs>;
  /**
   * From this call on, a signal such as SIGINT aborts the returned AbortSignal instead of ending the process. The reason is
   * an `Interrupted`, which the command throws after it has cleaned up. A second signal kills the child that `run` waits for.
   */
  catchInterrupts(): AbortSignal;
  /** Runs `file` with `args`, never through a shell, and resolves when it has exited, with any exit code. */
  run(file: string, args: string[], options: RunOptions): Promise<RunResult>;
  /** Starts `file` with `args`, never through a shell, and returns at once. */
  start(file: string, args: string[], options: SpawnOptions): ChildProcess;
  /** True for a command of sessapp that takes the environment as an operand: `serve [dir]`. Others take only `-e <dir>`. */
  takesDirectory(command: string): Promise<boolean>;
}

export interface RunOptions {
  cwd: string;
  /** All environment variables of the child; nothing is added. */
  env: NodeJS.ProcessEnv;
  /** Ends the child with SIGTERM, and with SIGKILL after 2.5 s or at a second signal to this process. */
  cancelSignal?: AbortSignal;
}

export interface RunResult {
  /** Undefined when a signal ended the child, or when it could not be started. */
  exitCode: number | undefined;
  signal: NodeJS.Signals | undefined;
  /** Node's error code when the child could not be started, such as `ENOENT`. */
  startError: string | undefined;
  stdout: string;
  stderr: string;
}

/** The real operating system. `takesDirectory` is passed in because this module must not import the commands. */
export function createSystem(takesDirectory: System['takesDirectory']): System {
  return {
    get cwd() {
      return readWorkingDirectory();
    },
    env: process.env,
    // Most commands read nothing, and opening stdin took 5 of the 150 ms of `info` in a profile.
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

// Most commands start no process, and loading this module takes a tenth of their time.
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

/** How long a child may take to exit after SIGTERM: npm sometimes ignores it. */
const endMs = 2500;
/** A second signal within this time is the same Ctrl-C: npx passes on a signal that the terminal has sent already. */
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
  // ENOENT means a missing program or a missing working directory.
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
