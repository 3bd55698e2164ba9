import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { inject, onTestFinished } from 'vitest';

export const repository = join(import.meta.dirname, '..', '..');
export const cli = join(repository, 'bin', 'sessapp.js');

export interface Result {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A temporary directory for one test. At the end, it is removed, and processes started through it are killed. */
export class Sandbox {
  readonly directory: string;
  readonly #children: ChildProcess[] = [];

  /** @param atEnd `afterAll` for a directory that all tests of a file share */
  constructor(atEnd: (clear: () => Promise<void>) => void = onTestFinished) {
    this.directory = realpathSync(mkdtempSync(join(tmpdir(), 'sessapp-test-')));
    atEnd(() => this.#clear());
  }

  path(...names: string[]): string {
    return join(this.directory, ...names);
  }

  /** Runs the command and waits until it ends. */
  async sessapp(args: string[], options: SpawnOptions = {}): Promise<Result> {
    return finish(this.start(args, options));
  }

  /** Starts the command. It is killed at the end of the test if it is still running. */
  start(args: string[], options: SpawnOptions = {}): ChildProcess {
    return this.spawn(process.execPath, [cli, ...args], options);
  }

  spawn(file: string, args: string[], options: SpawnOptions = {}): ChildProcess {
    const env = {
      ...process.env,
      SESSAPP_ENV: '',
      NO_COLOR: '1',
      NODE_ENV: undefined,
      npm_command: '',
      ...options.env,
    };
    const child = spawn(file, args, { cwd: this.directory, stdio: ['ignore', 'pipe', 'pipe'], ...options, env });
    this.#children.push(child);
    return child;
  }

  /** Copies the ready environment, with the same secret and cookie name. */
  async environment(name = 'myenv'): Promise<string> {
    const directory = this.path(name);
    await finish(spawn('cp', ['-a', inject('environment'), directory]));
    return directory;
  }

  async #clear(): Promise<void> {
    for (const child of this.#children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await rm(this.directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

/** Collects the output of a child process until it ends. */
export async function finish(child: ChildProcess): Promise<Result> {
  const output = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const [exitCode, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { exitCode, signal, ...output };
}

/** Resolves with the first JSON line on stdout with this event. Rejects when the child ends first. */
export function untilEvent(child: ChildProcess, event: string): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    let buffer = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      buffer += text;
      const lines = buffer.split('\n');
      buffer = lines.pop() ?? '';
      for (const line of lines) {
        const value = line.startsWith('{') ? (JSON.parse(line) as Record<string, unknown>) : {};
        if (value.event === event) resolve(value);
      }
    });
    child.once('close', (code) =>
      reject(new Error(`${basename(child.spawnfile)} ended with ${code} before '${event}'`)),
    );
  });
}
