import cluster from 'node:cluster';
import type { Logger } from 'pino';
import type { Settings } from '../../settings/settings.ts';
import { tellParent } from '../parent.ts';
import { StateFile } from '../state-file.ts';
import { type Counts, type CountsState, countsFile } from './counts.ts';
import { serveMetrics } from './serve-metrics.ts';

const intervalMs = 1000;

/**
 * Reports what this process counts. A worker sends it to the primary; any other server responds to requests for it.
 * @returns what stops it, after the last number was told
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
 * Shows the counts to `sessapp dashboard`, and to Prometheus where METRICS_PORT is set.
 * @returns what stops it
 * @throws UserError when the address of the metrics cannot be had
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

/** Tells again once something has changed. @returns what stops it, after a last time */
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
