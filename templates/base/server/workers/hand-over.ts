import type { ChildProcess } from 'node:child_process';

/** What the primary and its workers say to each other of connections, in all versions of Node.js up to 26. */
interface HandOver {
  act?: string;
  seq?: number;
  /** The `seq` that this answers. */
  ack?: number;
}

/**
 * Watches the connections that Node.js hands to a worker, one after the other. When a worker is killed, it forgets the
 * one that was on its way, and leaves it open: the client would wait for an answer until it gives up.
 * @returns what ends that connection, once the worker has ended; its client learns at once that it has to try again
 */
export function watchHandOver(worker: ChildProcess): () => void {
  let onItsWay: { seq: number | undefined; connection: { close(): void } } | undefined;
  const send = worker.send as (this: ChildProcess, ...args: unknown[]) => boolean;
  worker.send = (...args: unknown[]): boolean => {
    const [{ act, seq }, connection] = args as [HandOver, { close(): void }];
    if (act === 'newconn') onItsWay = { seq, connection };
    return send.apply(worker, args);
  };
  worker.on('internalMessage', ({ ack }: HandOver) => {
    if (ack !== undefined && ack === onItsWay?.seq) onItsWay = undefined;
  });
  return () => onItsWay?.connection.close();
}
