import { createClient } from 'redis';
import { RedisServer } from './redis-server.ts';
import { waitFor } from './server.ts';

const slotCount = 16384;
/** A node that does not respond for this time counts as failed, and its replica takes over. */
const nodeTimeoutMs = 1000;

type Client = ReturnType<typeof createClient>;

/** A Redis Cluster for one test file: three masters, and a replica of the first. */
export class RedisCluster {
  readonly masters: RedisServer[];
  readonly replica: RedisServer;
  #clients = new Map<RedisServer, Client>();

  private constructor(nodes: RedisServer[]) {
    this.masters = nodes.slice(0, 3);
    this.replica = nodes[3] as RedisServer;
  }

  static async start(program: string): Promise<RedisCluster> {
    const options = { enabled: 'yes', 'node-timeout': nodeTimeoutMs, 'require-full-coverage': 'no' };
    const args = Object.entries(options).flatMap(([name, value]) => [`--cluster-${name}`, String(value)]);
    const nodes = [1, 2, 3, 4].map(() => new RedisServer(program, ...args, '--appendonly', 'yes'));
    for (const node of nodes) await node.start();
    const cluster = new RedisCluster(nodes);
    await cluster.#join();
    return cluster;
  }

  get nodes(): RedisServer[] {
    return [...this.masters, this.replica];
  }

  /** Sends a command to one node. */
  async send(node: RedisServer, ...words: (string | number)[]): Promise<unknown> {
    const client = this.#clients.get(node) ?? createClient({ url: node.url, socket: { reconnectStrategy: 100 } });
    if (!this.#clients.has(node)) await client.on('error', () => undefined).connect();
    this.#clients.set(node, client);
    return client.sendCommand(words.map(String));
  }

  /** Waits until these nodes report that all slots are served. */
  async untilWhole(nodes = this.nodes): Promise<void> {
    const isWhole = async (node: RedisServer): Promise<boolean> =>
      String(await this.send(node, 'CLUSTER', 'INFO')).includes('cluster_state:ok');
    await waitFor(async () => (await Promise.all(nodes.map(isWhole))).every(Boolean), 30_000);
  }

  async roleOf(node: RedisServer): Promise<unknown> {
    return ((await this.send(node, 'ROLE')) as unknown[])[0];
  }

  /** Moves the content of a key's slot to another node. Returns the function that then assigns the slot to that node. */
  async moveSlot(key: string): Promise<() => Promise<void>> {
    const slot = Number(await this.send(this.masters[0] as RedisServer, 'CLUSTER', 'KEYSLOT', key));
    const from = this.masters[Math.floor((slot * this.masters.length) / slotCount)] as RedisServer;
    const to = this.masters.find((node) => node !== from) as RedisServer;
    const [fromId, toId] = [await this.send(from, 'CLUSTER', 'MYID'), await this.send(to, 'CLUSTER', 'MYID')].map(
      String,
    );
    await this.send(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId as string);
    await this.send(from, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId as string);
    const keys = (await this.send(from, 'CLUSTER', 'GETKEYSINSLOT', slot, 100)) as string[];
    await this.send(from, 'MIGRATE', '127.0.0.1', to.port, '', 0, 5000, 'KEYS', ...keys);
    return async () => {
      for (const node of [to, from]) await this.send(node, 'CLUSTER', 'SETSLOT', slot, 'NODE', toId as string);
    };
  }

  async remove(): Promise<void> {
    for (const client of this.#clients.values()) client.destroy();
    await Promise.all(this.nodes.map((node) => node.remove()));
  }

  async #join(): Promise<void> {
    const [first] = this.masters as [RedisServer];
    for (const node of this.nodes.slice(1)) await this.send(first, 'CLUSTER', 'MEET', '127.0.0.1', node.port);
    for (const [number, node] of this.masters.entries()) {
      const [from, to] = [number, number + 1].map((part) => Math.round((part * slotCount) / this.masters.length));
      await this.send(node, 'CLUSTER', 'ADDSLOTSRANGE', from ?? 0, (to ?? 0) - 1);
    }
    const id = await this.send(first, 'CLUSTER', 'MYID');
    const isKnown = async (): Promise<boolean> =>
      String(await this.send(this.replica, 'CLUSTER', 'NODES')).includes(String(id));
    await waitFor(isKnown, 30_000);
    await this.send(this.replica, 'CLUSTER', 'REPLICATE', String(id));
    await this.untilWhole();
    await waitFor(async () => String(await this.send(first, 'INFO', 'replication')).includes('state=online'), 30_000);
  }
}
