import { setTimeout as wait } from 'node:timers/promises';
import { ErrorReply } from 'redis';
import type { Host } from './address.ts';
import type { ClusterClient, ServerClient } from './client.ts';

/** What the driver, or an application, calls at a server or at the nodes of a cluster. */
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

/** How long an answer may take; who owes one for longer counts as lost. */
const replyMs = 1000;
/** How long a slot's move to another node is waited for: a little less than the session layer waits for a call. */
const moveMs = 1800;
const moveRestMs = 50;
/** How much may wait for an answer: more would only fill the memory. */
const pendingLimit = 10_000;
const pendingBytesLimit = 64 * 2 ** 20;

/** A connection to a server, or those to the nodes of a cluster, until it is lost. */
export class Link {
  /** Resolves with the reason once it is lost. */
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

  /** Then the loss of one node leaves the others. */
  get isCluster(): boolean {
    return isCluster(this.#client);
  }

  /** Where the nodes of a cluster are, as it says itself. */
  get hosts(): Host[] {
    return isCluster(this.#client) ? this.#client.masters.map(({ host, port }) => ({ host, port })) : [];
  }

  /** Each server that holds records. */
  async servers(): Promise<ServerClient[]> {
    const client = this.#client;
    return isCluster(client) ? Promise.all(client.masters.map((node) => client.nodeClient(node))) : [client];
  }

  /** @param bytes about as much as the command sends */
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

  /** Lets what is owed be answered, for as long as answers may take. */
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
      throw new Error(`Redis has ${this.#pending} calls to answer already`);
    const reply = this.#track(bytes, command(this.#client as Commands));
    try {
      return await inTime(reply);
    } catch (error) {
      if (!meansLoss(error)) throw error;
      this.#lose(error as Error);
      // Not that the connection was then closed under this command.
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
    const fail = (): void => reject(new Error(`Redis did not answer within ${replyMs} ms`));
    // After a time in which this process itself stood still, what has arrived meanwhile is read first.
    timer = setTimeout(() => setImmediate(fail), replyMs);
  });
  try {
    return await Promise.race([reply, late]);
  } finally {
    clearTimeout(timer);
  }
}

// A server that was made a replica still answers; another one takes the writes now.
function meansLoss(error: unknown): boolean {
  return !(error instanceof ErrorReply) || error.message.startsWith('READONLY');
}

// A script that names a key which is not there runs on neither node while its slot moves from one to the other.
function isMoving(error: unknown): boolean {
  return error instanceof ErrorReply && error.message.startsWith('TRYAGAIN');
}

function isCluster(client: ServerClient | ClusterClient): client is ClusterClient {
  return 'masters' in client;
}
