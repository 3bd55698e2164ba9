import type { ChildProcess } from 'node:child_process';

/** What the primary and its workers say to each other of connections, in all versions of Node.js up to 26. */
interface HandOver {
  act?: string;
  seq?: number;
  /** The `seq` that this answers. */
  ack?: number;
}

/** A worker that does not acknowledge a connection for so many of these intervals does not acknowledge it any more. */
const stuckIntervals = 10;
const intervalMs = 1000;

interface PendingConnection {
  connection: { close(): void };
  /** For how many intervals it has been on its way. Time alone would count while this process stands still, too. */
  intervals: number;
}

/**
 * Watches the connections that Node.js hands to a worker, one after the other from each address that it listens at. When
 * a worker is killed, it forgets those that were on their way, and leaves them open: the clients would wait until they give up. A worker that has no
 * descriptor left for a connection never acknowledges it, and Node.js hands it no other one.
 * @param onStuck is called once when it does not acknowledge a connection any more
 * @returns what ends these connections, once the worker has ended; their clients learn at once that they have to try again
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
