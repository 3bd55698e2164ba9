import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Sandbox } from './sandbox.ts';
import { type HttpResponse, request, startPlain, waitFor } from './server.ts';

/** The routes that users of the machines request. */
export const pages = `
  app.get('/login', (req, res) => { req.session.userId = req.query.name; res.json({}); });
  app.get('/count', async (req, res) => {
    await req.session.update((data) => { data.count = (data.count ?? 0) + 1; });
    res.json({ name: req.session.userId, count: req.session.count });
  });`;

export interface MachineSettings {
  /** The directory of its environment. */
  directory: string;
  host: string;
  port: number;
  /** The prefix for the command that starts the server. */
  prefix?: string[];
  env?: NodeJS.ProcessEnv;
}

/** A server that simulates a machine: a primary with two workers, which run and die together. */
export class Machine {
  readonly url: string;
  readonly #sandbox: Sandbox;
  readonly #settings: MachineSettings;
  #server: { child: ChildProcess; output(): string } | undefined;
  readonly #outputs: (() => string)[] = [];

  constructor(sandbox: Sandbox, settings: MachineSettings) {
    this.#sandbox = sandbox;
    this.#settings = settings;
    this.url = `http://${settings.host}:${settings.port}`;
  }

  async start(secrets: string[]): Promise<void> {
    const { directory, host, port, prefix = [], env } = this.#settings;
    const settings = { PORT: String(port), HOST: host, WORKERS: '2', SESSION_SECRET: secrets.join(), ...env };
    const [file = '', ...args] = [...prefix, process.execPath, join(directory, 'server.js')];
    const options = { env: settings, detached: true };
    this.#server = await startPlain(this.#sandbox, directory, options, [file, ...args]);
    this.#outputs.push(this.#server.output);
    await waitFor(() => this.isReady(), 30_000);
  }

  async isReady(): Promise<boolean> {
    return (await request(`${this.url}/readyz`)).status === 200;
  }

  /** Stops the machine like a deployment does: every request gets a response. */
  async stop(): Promise<void> {
    const child = this.#server?.child as ChildProcess;
    const ended = once(child, 'close');
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  }

  /** Stops the machine like a power failure does. */
  async die(): Promise<void> {
    const child = this.#server?.child;
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'close');
    process.kill(-child.pid, 'SIGKILL');
    await ended;
  }

  output(): string {
    return this.#outputs.map((output) => output()).join('');
  }
}

/** A user behind a load balancer that alternates between machines. Every response must have the expected count. */
export class User {
  readonly #name: string;
  readonly #urls: string[];
  #cookie = '';
  #turn = 0;
  /** The count in the last response. */
  count = 0;
  /** Requests without a response, or with a store error. It is unknown whether they were counted. */
  #unknown = 0;
  /** The number of these requests that were counted. */
  countedWithoutResponse = 0;
  /** The number of responses of each machine. */
  readonly responses = new Map<string, number>();

  constructor(name: string, machines: Machine[]) {
    this.#name = name;
    this.#urls = machines.map(({ url }) => url);
  }

  get cookie(): string {
    return this.#cookie;
  }

  async login(): Promise<void> {
    await this.#request(`/login?name=${this.#name}`);
  }

  async act(): Promise<void> {
    const { name, count } = JSON.parse((await this.#request('/count')).body);
    expect(name).toBe(this.#name);
    expect(count).toBeGreaterThan(this.count);
    const counted = count - this.count - 1;
    expect(counted).toBeLessThanOrEqual(this.#unknown);
    this.#unknown -= counted;
    this.countedWithoutResponse += counted;
    this.count = count;
  }

  /** Two requests at the same time, one to each machine. */
  async actAtBoth(): Promise<void> {
    const headers = { Cookie: this.#cookie };
    const responses = await Promise.all(this.#urls.map((url) => request(`${url}/count`, headers)));
    const counts = responses.map(({ body }) => JSON.parse(body).count as number).sort((a, b) => a - b);
    expect(counts).toEqual([this.count + 1, this.count + 2]);
    this.count += 2;
  }

  async #request(path: string): Promise<HttpResponse> {
    for (const end = Date.now() + 60_000; Date.now() < end; await wait(10)) {
      this.#turn += 1;
      const url = this.#urls[this.#turn % this.#urls.length] ?? '';
      const response = await this.#tryAt(url + path);
      if (!response) continue;
      expect(response.status).toBe(200);
      this.#cookie = response.cookie || this.#cookie;
      this.responses.set(url, (this.responses.get(url) ?? 0) + 1);
      return response;
    }
    throw new Error(`no machine responded to ${this.#name}`);
  }

  // If a machine is down or cannot reach the store, the request goes to the next machine.
  async #tryAt(url: string): Promise<HttpResponse | undefined> {
    try {
      const response = await request(url, this.#cookie ? { Cookie: this.#cookie } : {});
      if (response.status !== 503) return response;
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (!['ECONNREFUSED', 'ECONNRESET'].includes(code)) throw error;
      if (code === 'ECONNREFUSED') return undefined;
    }
    this.#unknown += 1;
    return undefined;
  }
}

/** Runs users until the work is done. */
export async function during(
  users: User[],
  work: (untilEachActs: (times: number) => Promise<void>) => Promise<void>,
): Promise<void> {
  let isOver = false;
  const acting = users.map(async (user) => {
    for (; !isOver; await wait(5)) await user.act();
  });
  const untilEachActs = async (times: number): Promise<void> => {
    const from = users.map(({ count }) => count);
    await waitFor(() => users.every(({ count }, index) => count >= (from[index] ?? 0) + times), 60_000);
  };
  try {
    await Promise.race([work(untilEachActs), Promise.all(acting)]);
  } finally {
    isOver = true;
    await Promise.all(acting);
  }
}
