import type { Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { Bag } from '../stores/bag.ts';

/** After the idle connections are closed, how long a connection without a complete request stays open. */
const silentMs = 500;
const sweepMs = 50;

const inFlight = Symbol('responses in flight');

type Connection = Socket & { [inFlight]?: Bag<ServerResponse> };

/** How long a draining server waits. */
export interface DrainTimeouts {
  /** For requests in flight. */
  deadlineMs: number;
  /** For idle connections: a client may be about to send its next request on one. */
  idleMs: number;
}

/**
 * The timeouts of a worker that another worker has replaced. Nothing waits for this worker, so it keeps an idle connection
 * for the full keep-alive time: its client may still send a request on it.
 */
export function retireTimeouts(keepAliveMs: number): DrainTimeouts {
  const idleMs = keepAliveMs + 1000;
  return { deadlineMs: Math.max(30_000, idleMs + 1000), idleMs };
}

/** Tracks the connections of several servers, and the requests in flight on them. */
export class Traffic {
  readonly #servers: Server[] = [];
  // Each connection holds its own responses. Before Node.js 24, when a connection closes, only the first of its pipelined
  // responses emits 'close'.
  readonly #sockets = new Bag<Connection>();
  readonly #limit: number;
  #draining = false;
  #cut = false;

  /** @param limit the maximum number of connections */
  constructor(limit = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
  }

  /** Tracks a server. Call this before it listens: a client may connect before the next address is ready. */
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
   * Accepts no new connections, and waits for the requests in flight. If it is called again, the shorter timeouts apply.
   * @returns false when requests were interrupted: at the deadline, or by `cut`
   */
  async drain({ deadlineMs, idleMs }: DrainTimeouts): Promise<boolean> {
    this.#draining = true;
    for (const res of this.#responses()) announceClose(res);
    const closed = Promise.all(this.#servers.map(stopListening));
    const timers = [
      setTimeout(() => timers.push(this.#sweep()), idleMs),
      // A browser opens connections in advance. Node.js treats a connection without a request as busy.
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

  // Closes a connection that has never sent anything, or else the idle ones, or else the new one.
  #makeRoom(newest: Socket): void {
    const isOver = (): boolean => this.#sockets.list().filter(({ destroyed }) => !destroyed).length > this.#limit;
    const isUnused = (socket: Socket): boolean => socket.bytesRead === 0 && !socket.destroyed && socket !== newest;
    this.#sockets.list().find(isUnused)?.destroy();
    if (isOver()) this.#closeIdle();
    if (isOver()) newest.destroy();
  }

  // A connection becomes idle only after its response, so check repeatedly.
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

// Without this header, a client that keeps sending requests would keep its connection open, and the server running.
function announceClose(res: ServerResponse): void {
  if (!res.headersSent) res.setHeader('Connection', 'close');
}

/** Resolves when the last connection has closed. The `close` of an HTTP server would close idle connections at once. */
function stopListening(server: Server): Promise<unknown> {
  return new Promise((resolve) => NetServer.prototype.close.call(server, resolve));
}
