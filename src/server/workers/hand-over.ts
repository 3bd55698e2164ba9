import type { ChildProcess } from 'node:child_process';

/** What the primary and its workers say to each other of connections, in all versions of Node.js up to 26. */
interface HandOver {
  act?: string;
  seq?: number;
  /** The `seq` that this answers. */
  ack?: number;
}

/**
 * Watches the connections that Node.js hands to a worker, one after the other from each address that it listens at. When
 * a worker is killed, it forgets those that were on their way, and leaves them open: the clients would wait until they give up.
 * @returns what ends these connections, once the worker has ended; their clients learn at once that they have to try again
 */
export function watchHandOver(worker: ChildProcess): () => void {
  const onTheirWay = new Map<number | undefined, { close(): void }>();
  const send = worker.send as (this: ChildProcess, ...args: unknown[]) => boolean;
  worker.send = (...args: unknown[]): boolean => {
    const [{ act, seq }, connection] = args as [HandOver, { close(): void }];
    if (act === 'newconn') onTheirWay.set(seq, connection);
    return send.apply(worker, args);
  };
  worker.on('internalMessage', ({ ack }: HandOver) => {
    if (ack !== undefined) onTheirWay.delete(ack);
  });
  return () => {
    for (const connection of onTheirWay.values()) connection.close();
  };
}
