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

/** The installed servers: Redis, Valkey, or both. */
export const redisPrograms = programs.filter(isInstalled);

/** Adds a skipped test for each server that is not installed. */
export function skipMissingPrograms(title: string): void {
  for (const program of programs) if (!isInstalled(program)) test.skip(`${title} (no ${program} on the PATH)`);
}

/** The module of the driver, for other processes. */
export const redisModule = join(repository, 'dist', 'stores', 'redis', 'driver.js');

/** The end of the title of a test that needs a Redis server. */
export const withoutRedis = 'not installed: apt install redis-server';

const running = new Set<ChildProcess>();
process.once('exit', () => running.forEach((child) => void child.kill('SIGKILL')));

/** A server with its own directory, on a free port. */
export class RedisServer {
  readonly program: string;
  readonly directory = mkdtempSync(join(tmpdir(), 'sessapp-redis-'));
  readonly #args: string[];
  port = 0;
  #child: ChildProcess | undefined;

  /** @param args more options of the server, such as `--appendonly yes` */
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

  /** Chooses the port, which never changes, so that the address is known before the server starts. */
  async choosePort(): Promise<this> {
    this.port ||= await freePort();
    return this;
  }

  /** Starts the server with its existing data. Resolves when it responds. */
  async start(): Promise<this> {
    await this.choosePort();
    const options = { port: this.port, bind: '127.0.0.1', dir: this.directory, save: '', logfile: 'log' };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const child = spawn(this.program, [...args, ...this.#args], { stdio: 'ignore' });
    this.#child = child;
    running.add(child);
    await waitFor(() => this.#responds(), 30_000);
    return this;
  }

  /** Kills the server with SIGKILL. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || !isRunning(child)) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    running.delete(child);
  }

  /** Suspends the server: it keeps its connections but does not respond. */
  async pause(): Promise<void> {
    this.#child?.kill('SIGSTOP');
    await waitFor(async () => !(await this.#responds()));
  }

  /** Resumes the server, if it was not killed. Resolves when it responds. */
  async resume(): Promise<void> {
    if (!this.#child || !isRunning(this.#child)) return;
    this.#child.kill('SIGCONT');
    await waitFor(() => this.#responds(), 30_000);
  }

  /** Stops the server and removes its data. */
  async remove(): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
  }

  async #responds(): Promise<boolean> {
    if (this.#child?.exitCode !== null) throw new Error(`${this.program} ended: see ${join(this.directory, 'log')}`);
    // A server that requires a password responds with NOAUTH.
    return /^[+-](PONG|NOAUTH)/.test(await sendLine(this.port, 'PING\r\n'));
  }
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

/** Sends a command. Returns the raw reply. */
export function sendTo({ port }: RedisServer, command: string): Promise<string> {
  return sendLine(port, `${command}\r\n`);
}

/** Sends a line. Returns the first data of the reply, or '' when there is none for a while. */
function sendLine(port: number, line: string): Promise<string> {
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
    // A cluster node also listens on this port plus 10000.
    const port = 10_000 + Math.floor(Math.random() * 12_000);
    const probe = createServer().listen(port, '127.0.0.1', () => probe.close(() => resolve(port)));
    probe.on('error', () => resolve(freePort()));
  });
}
