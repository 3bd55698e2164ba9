import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** How long a connection that has not sent a whole request stays open while the server drains. */
const silentMs = 500;
const sweepMs = 50;

/** The connections of some servers, and the requests in flight on them. */
export class Traffic {
  readonly #servers: Server[];
  readonly #sockets = new Set<Socket>();
  readonly #responses = new Set<ServerResponse>();
  #draining = false;
  #cut = false;

  constructor(servers: Server[]) {
    this.#servers = servers;
    for (const server of servers) {
      server.on('connection', (socket) => remember(this.#sockets, socket));
      server.prependListener('request', (_req, res) => {
        remember(this.#responses, res);
        if (this.#draining) announceClose(res);
      });
    }
  }

  /**
   * Accepts nothing new and waits until every request in flight is answered.
   * @returns false when some had to be cut: at the deadline, or because `cut` was called
   */
  async drain(deadlineMs: number): Promise<boolean> {
    this.#draining = true;
    for (const res of this.#responses) announceClose(res);
    // A connection that answered its last request becomes idle only then.
    const sweep = setInterval(() => this.#closeIdle(), sweepMs);
    // A browser opens connections ahead of time; Node.js counts one that is silent as busy.
    const silent = setTimeout(() => this.#destroy(this.#silentSockets()), silentMs);
    const deadline = setTimeout(() => this.cut(), deadlineMs);
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
    clearInterval(sweep);
    for (const timer of [silent, deadline]) clearTimeout(timer);
    return !this.#cut;
  }

  /** Closes every connection at once. */
  cut(): void {
    this.#cut ||= this.#responses.size > 0;
    this.#destroy(this.#sockets);
  }

  #closeIdle(): void {
    for (const server of this.#servers) server.closeIdleConnections();
  }

  #silentSockets(): Socket[] {
    const busy = new Set([...this.#responses].map((res) => res.socket));
    return [...this.#sockets].filter((socket) => !busy.has(socket));
  }

  #destroy(sockets: Iterable<Socket>): void {
    for (const socket of sockets) socket.destroy();
  }
}

function remember<T extends Socket | ServerResponse>(set: Set<T>, item: T): void {
  set.add(item);
  item.once('close', () => set.delete(item));
}

// Without it a client that always has a next request would keep its connection, and the server, for ever.
function announceClose(res: ServerResponse): void {
  if (!res.headersSent) res.setHeader('Connection', 'close');
}
