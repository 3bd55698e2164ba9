import type { Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { Bag } from '../stores/bag.ts';

/** How long a connection that has not sent a whole request stays open once idle ones are closed. */
const silentMs = 500;
const sweepMs = 50;

const inFlight = Symbol('responses in flight');

type Connection = Socket & { [inFlight]?: Bag<ServerResponse> };

/** How long a server that accepts nothing new waits. */
export interface DrainTimeouts {
  /** For requests in flight. */
  deadlineMs: number;
  /** For connections that are idle: a client may be about to send its next request on one. */
  idleMs: number;
}

/**
 * Of a worker whose place another one has taken: nobody waits for it. A client may send its next request until its own
 * limit closes the connection.
 */
export function retireTimeouts(keepAliveMs: number): DrainTimeouts {
  const idleMs = keepAliveMs + 1000;
  return { deadlineMs: Math.max(30_000, idleMs + 1000), idleMs };
}

/** The connections of some servers, and the requests in flight on them. */
export class Traffic {
  readonly #servers: Server[] = [];
  // Responses belong to their connection: before Node.js 24 only the first of those that wait for each other closes with it.
  readonly #sockets = new Bag<Connection>();
  readonly #limit: number;
  #draining = false;
  #cut = false;

  /** @param limit how many connections there may be */
  constructor(limit = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
  }

  /** Takes a server, before it listens: a client may come while it is still to listen at another address. */
  watch(server: Server): Server {
    this.#servers.push(server);
    server.on('connection', (socket) => {
      remember(this.#sockets, socket);
      if (this.#sockets.size > this.#limit) this.#makeRoom(socket);
    });
    server.prependListener('request', ({ socket }: { socket: Connection }, res) => {
      socket[inFlight] ??= new Bag();
      remember(socket[inFlight], res);
      if (this.#draining) announceClose(res);
    });
    return server;
  }

  /**
   * Accepts nothing new and waits until every request in flight is answered. Called again, the shorter wait counts.
   * @returns false when some had to be cut: at the deadline, or because `cut` was called
   */
  async drain({ deadlineMs, idleMs }: DrainTimeouts): Promise<boolean> {
    this.#draining = true;
    for (const res of this.#responses()) announceClose(res);
    const closed = Promise.all(this.#servers.map(stopListening));
    const timers = [
      setTimeout(() => timers.push(this.#sweep()), idleMs),
      // A browser opens connections ahead of time; Node.js counts one that is silent as busy.
      setTimeout(() => this.#destroy(this.#silentSockets()), idleMs + silentMs),
      setTimeout(() => this.cut(), deadlineMs),
    ];
    await closed;
    for (const timer of timers) clearTimeout(timer);
    return !this.#cut;
  }

  /** Closes every connection at once. */
  cut(): void {
    this.#cut ||= this.#responses().length > 0;
    this.#destroy(this.#sockets.list());
  }

  // Rather than the new one, one goes on which nothing was ever sent, or which waits for its next request.
  #makeRoom(newest: Socket): void {
    const isOver = (): boolean => this.#sockets.list().filter(({ destroyed }) => !destroyed).length > this.#limit;
    const isUnused = (socket: Socket): boolean => socket.bytesRead === 0 && !socket.destroyed && socket !== newest;
    this.#sockets.list().find(isUnused)?.destroy();
    if (isOver()) this.#closeIdle();
    if (isOver()) newest.destroy();
  }

  // A connection that answered its last request becomes idle only then.
  #sweep(): NodeJS.Timeout {
    this.#closeIdle();
    return setInterval(() => this.#closeIdle(), sweepMs);
  }

  #closeIdle(): void {
    for (const server of this.#servers) server.closeIdleConnections();
  }

  #responses(): ServerResponse[] {
    return this.#sockets.list().flatMap((socket) => socket[inFlight]?.list() ?? []);
  }

  #silentSockets(): Socket[] {
    return this.#sockets.list().filter((socket) => !socket[inFlight]?.size);
  }

  #destroy(sockets: Socket[]): void {
    for (const socket of sockets) socket.destroy();
  }
}

function remember<T extends Socket | ServerResponse>(bag: Bag<T>, item: T): void {
  item.once('close', bag.add(item));
}

// Without it a client that always has a next request would keep its connection, and the server, for ever.
function announceClose(res: ServerResponse): void {
  if (!res.headersSent) res.setHeader('Connection', 'close');
}

/** Resolves when the last connection has closed. An HTTP server's own `close` would end idle connections at once. */
function stopListening(server: Server): Promise<unknown> {
  return new Promise((resolve) => NetServer.prototype.close.call(server, resolve));
}
