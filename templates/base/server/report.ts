import type { Logger } from 'pino';
import { leaveParent, tellParent } from './parent.ts';
import { StartError } from './start-error.ts';

/** Says where the server is: to the `sessapp serve` that started it, else in the log. */
export async function reportListening(
  url: string,
  { store, production }: { store: string; production: boolean },
  log: Logger,
): Promise<void> {
  const told = await tellParent({ event: 'listening', url, store });
  if (production || !told) log.info({ url, store }, `listening at ${url}, store ${store}; Ctrl-C stops`);
}

/** Says why the server did not start, and leaves exit code 1. */
export async function reportStartFailure(error: unknown): Promise<void> {
  process.exitCode = 1;
  if (!(error instanceof StartError)) {
    console.error(error);
  } else {
    const { code, message, hint } = error;
    if (!(await tellParent({ event: 'failed', code, message, hint }))) console.error(`${message}\n${hint}`);
  }
  leaveParent();
}
