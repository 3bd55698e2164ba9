import cluster from 'node:cluster';
import type { Logger } from 'pino';
import type { Settings } from '../../settings/settings.ts';
import { tellParent } from '../parent.ts';
import { StateFile } from '../state-file.ts';
import { type Counts, type CountsState, countsFile } from './counts.ts';
import { serveMetrics } from './serve-metrics.ts';

const intervalMs = 1000;

/**
 * Reports the counts of this process. A worker sends them to the primary; a server without workers publishes them.
 * @returns a function that reports the last counts, then stops
 */
export async function reportCounts(
  directory: string,
  settings: Settings,
  counts: Counts,
  log: Logger,
): Promise<() => Promise<void>> {
  if (!cluster.isWorker) return publishCounts(directory, settings, () => counts, log);
  return tellChanges(
    () => counts,
    async () => void (await tellParent({ event: 'counts', counts })),
  );
}

/**
 * Publishes the counts to `sessapp dashboard`, and to Prometheus if METRICS_PORT is set.
 * @returns a function that stops it
 * @throws UserError when the server cannot listen on the metrics address
 */
export async function publishCounts(
  directory: string,
  { metrics }: Settings,
  read: () => Counts,
  log: Logger,
): Promise<() => Promise<void>> {
  const served = metrics && (await serveMetrics(metrics, read));
  if (served) log.info({ url: served.url }, `metrics at ${served.url}`);
  const file = new StateFile<Omit<CountsState, 'pid'>>(countsFile, directory, log);
  const stop = tellChanges(read, () => file.write({ atMs: Date.now(), counts: read() }));
  return async () => {
    served?.close();
    await stop();
    await file.remove();
  };
}

/** Calls `tell` at intervals, if the counts have changed. @returns a function that calls it a last time, then stops */
function tellChanges(read: () => Counts, tell: () => Promise<void>): () => Promise<void> {
  let told = '';
  const tellIfChanged = async (): Promise<void> => {
    const now = JSON.stringify(read());
    if (now === told) return;
    told = now;
    await tell();
  };
  const timer = setInterval(() => void tellIfChanged(), intervalMs).unref();
  return async () => {
    clearInterval(timer);
    await tellIfChanged();
  };
}
