import type { Counts } from './metrics/counts.ts';

/** Why a server or a worker did not start. */
export interface Failure {
  code: string;
  message: string;
  hint: string | undefined;
}

/** Where a server or a worker listens, and how many processes serve requests there. */
export interface Listening {
  url: string;
  store: string;
  workers: number;
}

/** A message of a server to the `sessapp serve` that started it, or of a worker to its primary. */
export type Message =
  | ({ event: 'listening' } & Listening)
  | ({ event: 'failed' } & Failure)
  | { event: 'drained' }
  /** Only in a trial: the application was loaded. */
  | { event: 'loaded' }
  /** Only from a worker: it accepts no new connections. */
  | { event: 'retiring' }
  /** Only from a worker: its counts since it started. */
  | { event: 'counts'; counts: Counts };

const events: unknown[] = [
  'listening',
  'failed',
  'drained',
  'loaded',
  'retiring',
  'counts',
] satisfies Message['event'][];

/** False for the application's own messages, such as PM2's `ready`. They can have any type. */
export function isMessage(sent: unknown): sent is Message {
  return events.includes((sent as Partial<Message> | null)?.event);
}

/** Signals for an invalid memory access. A damaged or truncated store file causes one, because it is memory-mapped. */
const memorySignals = ['SIGBUS', 'SIGSEGV', 'SIGILL'];

/**
 * Explains why a server or a worker exited.
 * @param exit `exit code 1`, or `signal SIGBUS`
 */
export function toExitFailure(message: string, exit: string): Failure {
  const isMemorySignal = memorySignals.some((signal) => exit === `signal ${signal}`);
  if (!isMemorySignal) return { code: 'server-failed', message, hint: 'See its output above.' };
  return { code: 'server-crashed', message, hint: 'Its store file may be damaged. To check it, type: sessapp doctor' };
}
