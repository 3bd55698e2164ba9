import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';
import { isInstalled } from './programs.ts';
import { repository } from './sandbox.ts';
import { waitFor } from './server.ts';

const programs = ['redis-server', 'valkey-server'];

/** The servers of this kind that are on the PATH: Redis, Valkey, or both. */
export const redisPrograms = programs.filter(isInstalled);

/** Says of each server that is missing that these tests do not run on it. */
export function skipMissingPrograms(title: string): void {
  for (const program of programs) if (!isInstalled(program)) test.skip(`${title} (no ${program} on the PATH)`);
}

/** The driver, as other processes load it. */
export const redisModule = join(repository, 'dist', 'stores', 'redis', 'driver.js');

/** Why tests on a real server are skipped, as the end of their names. */
export const withoutRedis = 'not installed: apt install redis-server';

const running = new Set<ChildProcess>();
process.once('exit', () => running.forEach((child) => void child.kill('SIGKILL')));

/** A server of its own, in a directory of its own, on a free port. */
export class RedisServer {
  readonly program: string;
  readonly directory = mkdtempSync(join(tmpdir(), 'sessapp-redis-'));
  readonly #args: string[];
  port = 0;
  #child: ChildProcess | undefined;

  /** @param args more of its options, such as `--appendonly yes` */
  constructor(program: string, ...args: string[]) {
    this.program = program;
    this.#args = args;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Chooses the port, for good; a server can be known before it is there. */
  async choosePort(): Promise<this> {
    this.port ||= await freePort();
    return this;
  }

  /** Starts it on the data that it had. Resolves when it answers. */
  async start(): Promise<this> {
    await this.choosePort();
    const options = { port: this.port, bind: '127.0.0.1', dir: this.directory, save: '', logfile: 'log' };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const child = spawn(this.program, [...args, ...this.#args], { stdio: 'ignore' });
    this.#child = child;
    running.add(child);
    await waitFor(() => this.#answers(), 30_000);
    return this;
  }

  /** Ends it with SIGKILL. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || !isRunning(child)) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    running.delete(child);
  }

  /** Keeps its connections, and answers nothing. */
  async pause(): Promise<void> {
    this.#child?.kill('SIGSTOP');
    await waitFor(async () => !(await this.#answers()));
  }

  /** Lets it go on, if it was not killed meanwhile. Resolves when it answers. */
  async resume(): Promise<void> {
    if (!this.#child || !isRunning(this.#child)) return;
    this.#child.kill('SIGCONT');
    await waitFor(() => this.#answers(), 30_000);
  }

  /** Ends it, and removes what it kept. */
  async remove(): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
  }

  async #answers(): Promise<boolean> {
    if (this.#child?.exitCode !== null) throw new Error(`${this.program} ended: see ${join(this.directory, 'log')}`);
    // A server with a password answers too.
    return /^[+-](PONG|NOAUTH)/.test(await ask(this.port, 'PING\r\n'));
  }
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

/** What a server answers to a command, as it comes over the wire. */
export function sendTo({ port }: RedisServer, command: string): Promise<string> {
  return ask(port, `${command}\r\n`);
}

/** The first that a server says to this, or '' when it says nothing for a while. */
function ask(port: number, line: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(line));
    const end = (response: string): void => {
      socket.destroy();
      resolve(response);
    };
    socket.setTimeout(200, () => end(''));
    socket.on('data', (data) => end(String(data)));
    socket.on('error', () => end(''));
  });
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    // A node of a cluster listens at 10000 more as well.
    const port = 10_000 + Math.floor(Math.random() * 12_000);
    const probe = createServer().listen(port, '127.0.0.1', () => probe.close(() => resolve(port)));
    probe.on('error', () => resolve(freePort()));
  });
}
