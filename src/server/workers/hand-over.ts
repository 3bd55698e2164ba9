import type { ChildProcess } from 'node:child_process';

/** Node.js's internal message about a connection, between the primary and a worker, in all versions up to 26. */
interface HandOver {
  act?: string;
  seq?: number;
  /** The `seq` that this message acknowledges. */
  ack?: number;
}

/** A worker is stuck if it does not acknowledge a connection within this number of intervals. */
const stuckIntervals = 10;
const intervalMs = 1000;

interface PendingConnection {
  connection: { close(): void };
  /** How many intervals it has waited. Elapsed time would also count while this process is suspended. */
  intervals: number;
}

/**
 * Watches the connections that Node.js hands over to a worker, one at a time for each listening address. When a worker is
 * killed, Node.js leaves its unacknowledged connections open, and their clients wait until they time out. A worker without
 * a free file descriptor never acknowledges a connection, and Node.js then hands over no more.
 * @param onStuck called once, when the worker no longer acknowledges connections
 * @returns a function that closes the unacknowledged connections after the worker has exited, so that clients can retry
 */
export function watchHandOver(worker: ChildProcess, onStuck: () => void): () => void {
  const pending = new Map<number | undefined, PendingConnection>();
  const send = worker.send as (this: ChildProcess, ...args: unknown[]) => boolean;
  worker.send = (...args: unknown[]): boolean => {
    const [{ act, seq }, connection] = args as [HandOver, { close(): void }];
    if (act === 'newconn') pending.set(seq, { connection, intervals: 0 });
    return send.apply(worker, args);
  };
  worker.on('internalMessage', ({ ack }: HandOver) => {
    if (ack !== undefined) pending.delete(ack);
  });
  const timer = setInterval(() => {
    for (const waiting of pending.values()) waiting.intervals += 1;
    if (![...pending.values()].some(({ intervals }) => intervals > stuckIntervals)) return;
    clearInterval(timer);
    onStuck();
  }, intervalMs).unref();
  return () => {
    clearInterval(timer);
    for (const { connection } of pending.values()) connection.close();
  };
}
