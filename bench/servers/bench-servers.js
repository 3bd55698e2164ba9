import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { createEnvironment } from '../setup/environment.js';
import { majors } from '../setup/node-versions.js';
import { systemProgram } from '../setup/peers.js';
import { startRedis } from './redis.js';
import { rowId, servers } from './registry.js';
import { startServer } from './start.js';

/** Starts the servers of a part, each on every version of Node.js, and ends them. */
export class BenchServers {
  #bench;
  #redis = new Map();
  #started = [];
  #secret = randomBytes(32).toString('base64url');

  constructor(bench) {
    this.#bench = bench;
  }

  /**
   * @returns the servers by row; one whose program is missing is left out
   */
  async startAll(ids) {
    const all = {};
    for (const id of ids) {
      const versions = servers[id].program === 'node' ? majors : [undefined];
      for (const major of versions) {
        const server = await this.start(id, major);
        if (server) all[rowId(id, major)] = server;
      }
    }
    return all;
  }

  /** @returns undefined when its program is missing */
  async start(id, major, options = {}) {
    const { nodeArgs = [] } = options;
    const { program, args, redis, isOurs } = servers[id];
    const { nodes, missing, workshop } = this.#bench;
    const isMissing = program === 'gunicorn' && (missing.includes('gunicorn') || missing.includes('python3-flask'));
    if (isMissing || (redis && missing.includes('redis-server'))) return undefined;
    const file = program === 'node' ? nodes[major] : systemProgram(program);
    const own = isOurs ? await this.#ours(major, options) : await this.#peer(id, major);
    const toArgs = (port) =>
      program === 'gunicorn' ? ['--bind', `127.0.0.1:${port}`, ...args] : [...nodeArgs, ...args];
    const server = await startServer(workshop, { file, args: toArgs, ...own, pinned: options.pinned });
    this.#started.push(server);
    return { ...server, store: options.store ?? (redis && this.#redis.get(redis)), directory: own.cwd };
  }

  async stop() {
    for (const { stop } of this.#started.splice(0)) await stop();
    for (const { stop } of this.#redis.values()) await stop();
    this.#redis.clear();
  }

  async #ours(major, { directory, env }) {
    const cwd = directory ?? (await createEnvironment(this.#bench.workshop, `sessapp-${major}`));
    return { cwd, env: { TRUST_PROXY: '1', ...env } };
  }

  async #peer(id, major) {
    const { redis } = servers[id];
    const row = rowId(id, major);
    const directory = this.#bench.workshop.path(`sessions-${row}`);
    await mkdir(directory);
    const env = { SESSION_SECRET: this.#secret, SESSIONS_DIRECTORY: directory };
    if (redis) Object.assign(env, { REDIS_URL: (await this.#redisOf(redis)).url, REDIS_PREFIX: `${row}:` });
    return { cwd: directory, env };
  }

  async #redisOf(kind) {
    if (!this.#redis.has(kind)) this.#redis.set(kind, await startRedis(this.#bench.workshop, kind));
    return this.#redis.get(kind);
  }
}
