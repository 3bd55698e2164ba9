import { setTimeout as wait } from 'node:timers/promises';
import { ErrorReply } from 'redis';
import type { Host } from './address.ts';
import type { ClusterClient, ServerClient } from './client.ts';

/** The commands that the driver or an application uses. */
export type Commands = Pick<
  ServerClient,
  | 'get'
  | 'set'
  | 'del'
  | 'getDel'
  | 'eval'
  | 'sCard'
  | 'zRangeByLex'
  | 'createRecord'
  | 'updateRecord'
  | 'touchRecord'
  | 'removeRecord'
  | 'setRecordAside'
  | 'forgetEntry'
  | 'pruneRecords'
>;

/** How long a reply may take. After that, the connection counts as lost. */
const replyMs = 1000;
/** How long to wait for a slot that moves to another node: slightly less than the deadline of the session layer. */
const moveMs = 1800;
const moveRestMs = 50;
/** How many calls may wait for a reply, to limit memory. */
const pendingLimit = 10_000;
const pendingBytesLimit = 64 * 2 ** 20;

/** A connection to a server, or the connections to the nodes of a cluster, until it is lost. */
export class Link {
  /** Resolves to the reason when the link is lost. */
  readonly lost: Promise<Error>;
  readonly #client: ServerClient | ClusterClient;
  #lose: (reason: Error) => void = () => undefined;
  #pending = 0;
  #pendingBytes = 0;

  constructor(client: ServerClient | ClusterClient) {
    this.#client = client;
    this.lost = new Promise((resolve) => {
      this.#lose = resolve;
    });
    for (const event of ['error', 'node-error']) client.on(event, (error: Error) => this.#lose(error));
  }

  /** True: after the loss of one node, the others stay usable. */
  get isCluster(): boolean {
    return isCluster(this.#client);
  }

  /** The primary nodes of a cluster, as the cluster reports them. */
  get hosts(): Host[] {
    return isCluster(this.#client) ? this.#client.masters.map(({ host, port }) => ({ host, port })) : [];
  }

  /** A client for each server that holds records. */
  async servers(): Promise<ServerClient[]> {
    const client = this.#client;
    return isCluster(client) ? Promise.all(client.masters.map((node) => client.nodeClient(node))) : [client];
  }

  /** @param bytes the approximate size of the command */
  async run<T>(bytes: number, command: (commands: Commands) => Promise<T>): Promise<T> {
    const deadlineMs = performance.now() + moveMs;
    for (;;) {
      try {
        return await this.#send(bytes, command);
      } catch (error) {
        if (!isMoving(error) || performance.now() >= deadlineMs) throw error;
        await this.#track(bytes, wait(moveRestMs));
      }
    }
  }

  /** Waits for pending replies, but not longer than one reply may take, and then closes. */
  async close(): Promise<void> {
    const deadlineMs = performance.now() + replyMs;
    while (this.#pending > 0 && performance.now() < deadlineMs) await new Promise((resolve) => setTimeout(resolve, 10));
    this.destroy();
  }

  destroy(): void {
    this.#lose(new Error('the connection was closed'));
    this.#client.destroy();
  }

  async #send<T>(bytes: number, command: (commands: Commands) => Promise<T>): Promise<T> {
    if (this.#pending >= pendingLimit || this.#pendingBytes + bytes > pendingBytesLimit)
      throw new Error(`Redis already has ${this.#pending} pending calls`);
    const reply = this.#track(bytes, command(this.#client as Commands));
    try {
      return await inTime(reply);
    } catch (error) {
      if (!meansLoss(error)) throw error;
      this.#lose(error as Error);
      // Throw the first reason for the loss, not that the connection was closed during this command.
      throw await this.lost;
    }
  }

  #track<T>(bytes: number, reply: Promise<T>): Promise<T> {
    this.#pending += 1;
    this.#pendingBytes += bytes;
    return reply.finally(() => {
      this.#pending -= 1;
      this.#pendingBytes -= bytes;
    });
  }
}

async function inTime<T>(reply: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const fail = (): void => reject(new Error(`Redis did not respond within ${replyMs} ms`));
    // If this process was blocked, read the replies that arrived meanwhile first.
    timer = setTimeout(() => setImmediate(fail), replyMs);
  });
  try {
    return await Promise.race([reply, late]);
  } finally {
    clearTimeout(timer);
  }
}

// A server that became a replica still responds, but another server accepts the writes now.
function meansLoss(error: unknown): boolean {
  return !(error instanceof ErrorReply) || error.message.startsWith('READONLY');
}

// While a slot moves, neither node runs a script that uses a missing key of the slot.
function isMoving(error: unknown): boolean {
  return error instanceof ErrorReply && error.message.startsWith('TRYAGAIN');
}

function isCluster(client: ServerClient | ClusterClient): client is ClusterClient {
  return 'masters' in client;
}
