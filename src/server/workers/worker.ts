import cluster from 'node:cluster';

/**
 * What a primary says to a worker: another has your place, stop once your requests have ended; no connection comes any
 * more; do what one does for all.
 */
export type Order = 'retire' | 'released' | 'lead';

/** True for a signal that a terminal sends to the workers too, though it is meant for their primary. */
export function isForPrimary(signal: NodeJS.Signals): boolean {
  return cluster.isWorker && signal !== 'SIGTERM';
}

export function onRetired(callback: () => void): void {
  onOrder('retire', callback);
}

/**
 * Resolves when every connection that the primary had on its way to this worker has arrived, or the primary is gone.
 * One that a worker does not take any more goes to another worker; one that it never hears of is lost.
 */
export function untilReleased(): Promise<void> {
  return new Promise((resolve) => {
    onOrder('released', resolve);
    process.once('disconnect', resolve);
  });
}

/**
 * Starts what one process of a server does for all: a server without workers at once, of several workers the one that
 * the primary names.
 * @param start returns what stops each of it
 * @returns what stops all of it, if it was started here
 */
export function startInLeader(start: () => (() => Promise<void>)[]): () => Promise<void> {
  let stops: (() => Promise<void>)[] = [];
  const begin = (): void => {
    stops = start();
  };
  const stop = async (): Promise<void> => {
    for (const end of stops) await end();
  };
  if (!cluster.isWorker) begin();
  onOrder('lead', begin);
  onOrder('retire', () => void stop());
  return stop;
}

/** Node.js would end a worker at once, in the midst of its requests, when its primary is gone. */
export function outlivePrimary(): void {
  if (cluster.worker) cluster.worker.exitedAfterDisconnect = true;
}

function onOrder(order: Order, callback: () => void): void {
  if (!cluster.isWorker) return;
  process.on('message', (message) => {
    if (message === order) callback();
  });
}
