import cluster from 'node:cluster';
import type { Logger } from 'pino';
import { UserError } from '../errors.ts';
import { describeFailure } from './application.ts';
import { forceExit } from './force-exit.ts';
import { disconnectParent, tellParent } from './parent.ts';

interface Served {
  store: string;
  production: boolean;
  workers?: number | undefined;
}

/** Reports the server's URL to its parent process, and in the log in production or if there is no such process. */
export async function reportListening(url: string, { store, production, workers }: Served, log: Logger): Promise<void> {
  const told = await tellParent({ event: 'listening', url, store, workers: workers ?? 1 });
  if (cluster.isWorker || (told && !production)) return;
  const shared = workers === undefined ? '' : `, ${workers} ${workers === 1 ? 'worker' : 'workers'}`;
  log.info({ url, store, workers }, `listening at ${url}, store ${store}${shared}; Ctrl-C stops`);
}

/** True when `sessapp doctor` only checks that the server can load its settings and its application. */
export function isTrial(): boolean {
  return Boolean(process.env.SESSAPP_TRIAL);
}

/** Reports that the application was loaded. The server does not listen, and opens no store. */
export async function reportLoaded(): Promise<void> {
  await tellParent({ event: 'loaded' });
  exit();
}

/**
 * Reports why the server did not start, and sets exit code 1.
 * @throws any error but a UserError: Node.js prints its location, also for a file that cannot be parsed
 */
export async function reportStartFailure(directory: string, error: unknown): Promise<void> {
  process.exitCode = 1;
  if (!(error instanceof UserError)) {
    const message = `The server does not start: ${await describeFailure(directory, error)}.`;
    await tellParent({ event: 'failed', code: 'server-failed', message, hint: 'See its output above.' });
    throw error;
  }
  const { code, message, hint } = error;
  if (!(await tellParent({ event: 'failed', code, message, hint })))
    console.error([message, hint].filter(Boolean).join('\n'));
  exit();
}

function exit(): void {
  disconnectParent();
  forceExit((held) => console.error(`The application keeps the process running (${held.join(', ')}); stopping it.`));
}
