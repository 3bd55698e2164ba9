import type { Server } from 'node:http';
import type { System } from '../../system.ts';
import type { Environment } from '../environment/find.ts';
import { Access } from './access.ts';
import type { Dashboard } from './api.ts';
import { readAssets } from './assets.ts';
import { KeptStore } from './kept-store.ts';
import { listenAtLoopback } from './listen.ts';
import { readCounts } from './overview.ts';
import { createDashboardServer } from './requests.ts';
import { Sampler } from './sampler.ts';

export interface DashboardOptions extends Pick<Dashboard, 'isReadOnly' | 'showsValues'> {
  /** 0 takes a free port. */
  port: number;
  /** Called once the link can be opened. The signal aborts when the dashboard stops. */
  onListening(link: string, signal: AbortSignal): Promise<void>;
}

/**
 * Serves the dashboard until the signal aborts.
 * @throws UserError when it cannot start
 */
export async function runDashboard(
  system: System,
  environment: Environment,
  { port, onListening, ...options }: DashboardOptions,
  signal: AbortSignal,
): Promise<void> {
  const store = new KeptStore(system, environment);
  const sampler = new Sampler(store, () => readCounts(environment), system.now);
  const access = new Access();
  const bugs = new AbortController();
  const server = createDashboardServer({
    dashboard: { system, environment, store, sampler, signal, ...options },
    access,
    assets: await readAssets(),
    onBug: (error) => bugs.abort(error),
  });
  try {
    await store.use(async () => undefined);
    const end = AbortSignal.any([signal, bugs.signal]);
    const link = `${await listenAtLoopback(server, port)}/#${access.linkToken}`;
    await Promise.all([sampler.run(end), onListening(link, end)]);
    bugs.signal.throwIfAborted();
  } finally {
    close(server);
    await store.close();
  }
}

function close(server: Server): void {
  server.close();
  server.closeAllConnections();
}
