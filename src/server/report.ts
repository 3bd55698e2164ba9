import cluster from 'node:cluster';
import type { Logger } from 'pino';
import { UserError } from '../errors.ts';
import { endIfHeld } from './held.ts';
import { leaveParent, tellParent } from './parent.ts';

interface Served {
  store: string;
  production: boolean;
  workers?: number | undefined;
}

/** Says where the server is: to the process that started it, else in the log. */
export async function reportListening(url: string, { store, production, workers }: Served, log: Logger): Promise<void> {
  const told = await tellParent({ event: 'listening', url, store, workers: workers ?? 1 });
  if (cluster.isWorker || (told && !production)) return;
  const shared = workers === undefined ? '' : `, ${workers} ${workers === 1 ? 'worker' : 'workers'}`;
  log.info({ url, store, workers }, `listening at ${url}, store ${store}${shared}; Ctrl-C stops`);
}

/**
 * Says why the server did not start, and leaves exit code 1.
 * @throws what is no UserError: Node.js shows where it happened, also in a file that cannot be parsed
 */
export async function reportStartFailure(error: unknown): Promise<void> {
  process.exitCode = 1;
  if (!(error instanceof UserError)) {
    if (cluster.isWorker) await tellParent({ event: 'broken', reason: String(error) });
    throw error;
  }
  const { code, message, hint } = error;
  if (!(await tellParent({ event: 'failed', code, message, hint })))
    console.error([message, hint].filter(Boolean).join('\n'));
  leaveParent();
  endIfHeld((held) => console.error(`The application keeps the process running (${held.join(', ')}); ending it.`));
}
