import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { createEnvironment } from '../setup/environment.js';
import { majors } from '../setup/node-versions.js';
import { systemProgram } from '../setup/peers.js';
import { postgresProgram, startPostgres } from './postgres.js';
import { startRedis } from './redis.js';
import { rowId, servers } from './registry.js';
import { startServer } from './start.js';

/** Starts the servers of a part, each on every version of Node.js, and stops them. */
export class BenchServers {
  #bench;
  #stores = new Map();
  #started = [];
  #secret = randomBytes(32).toString('base64url');

  constructor(bench) {
    this.#bench = bench;
  }

  /**
   * @returns the servers by row, without those whose program is missing
   */
  async startAll(ids, nodeMajors = majors) {
    const all = {};
    for (const id of ids) {
      const versions = servers[id].program === 'node' ? nodeMajors : [undefined];
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
    const { program, args, isOurs } = servers[id];
    const { nodes, workspace } = this.#bench;
    if (this.#isMissing(servers[id])) return undefined;
    const store = options.store ?? (await this.#storeOf(servers[id]));
    const file = program === 'node' ? nodes[major] : systemProgram(program);
    const own = isOurs ? await this.#ours(major, options) : await this.#peer(rowId(id, major), store);
    const toArgs = (port) =>
      program === 'gunicorn' ? ['--bind', `127.0.0.1:${port}`, ...args] : [...nodeArgs, ...args];
    const server = await startServer(workspace, { file, args: toArgs, ...own, pinned: options.pinned });
    this.#started.push(server);
    return { ...server, store, directory: own.cwd };
  }

  async stop() {
    for (const { stop } of this.#started.splice(0)) await stop();
    for (const { stop } of this.#stores.values()) await stop();
    this.#stores.clear();
  }

  async #ours(major, { directory, env }) {
    const cwd = directory ?? (await createEnvironment(this.#bench.workspace, `sessapp-${major}`));
    return { cwd, env: { TRUST_PROXY: '1', ...env } };
  }

  async #peer(row, store) {
    const directory = this.#bench.workspace.path(`sessions-${row}`);
    await mkdir(directory);
    const env = { SESSION_SECRET: this.#secret, SESSIONS_DIRECTORY: directory };
    return { cwd: directory, env: { ...env, ...(store && { STORE_URL: store.url, STORE_NAME: row }) } };
  }

  #isMissing({ program, redis, postgres }) {
    const { missing } = this.#bench;
    if (redis && missing.includes('redis-server')) return true;
    if (postgres && postgresProgram('initdb') === undefined) return true;
    return program === 'gunicorn' && (missing.includes('gunicorn') || missing.includes('python3-flask'));
  }

  // Servers with the same kind of store share one.
  async #storeOf({ redis, postgres }) {
    const kind = redis ?? (postgres && 'postgres');
    if (kind === undefined) return undefined;
    const { workspace } = this.#bench;
    if (!this.#stores.has(kind))
      this.#stores.set(kind, await (postgres ? startPostgres(workspace) : startRedis(workspace, redis)));
    return this.#stores.get(kind);
  }
}
