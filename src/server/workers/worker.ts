import cluster from 'node:cluster';

/**
 * A message of the primary to a worker:
 * - `retire`: another worker has replaced this one. Finish the requests in flight, then exit.
 * - `released`: no more connections will arrive.
 * - `lead`: do the work that one worker does for all.
 */
export type Order = 'retire' | 'released' | 'lead';

/** True for a signal that a terminal sends to all processes, but that only the primary handles. */
export function isForPrimary(signal: NodeJS.Signals): boolean {
  return cluster.isWorker && signal !== 'SIGTERM';
}

export function onRetired(callback: () => void): void {
  onOrder('retire', callback);
}

/**
 * Resolves when every connection that the primary handed over has arrived, or the primary is gone. If this worker rejects
 * a connection, the primary gives it to another worker. If this worker exits before a connection arrives, the connection is
 * lost.
 */
export function untilReleased(): Promise<void> {
  return new Promise((resolve) => {
    onOrder('released', resolve);
    process.once('disconnect', resolve);
  });
}

/**
 * Starts the work that one process does for the whole server: in a server without workers at once, otherwise in the worker
 * that the primary chooses.
 * @param start starts the work, and returns the functions that stop it
 * @returns a function that stops the work, if it runs in this process
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

/** Lets a worker finish its requests after its primary is gone. Node.js would otherwise exit at once. */
export function outlivePrimary(): void {
  if (cluster.worker) cluster.worker.exitedAfterDisconnect = true;
}

function onOrder(order: Order, callback: () => void): void {
  if (!cluster.isWorker) return;
  process.on('message', (message) => {
    if (message === order) callback();
  });
}
