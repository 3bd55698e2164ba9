import type { Counts } from './metrics/counts.ts';

/** Why a server, or a worker of it, did not start. */
export interface Failure {
  code: string;
  message: string;
  hint: string | undefined;
}

/** Where a server or a worker listens, and how many processes answer there. */
export interface Listening {
  url: string;
  store: string;
  workers: number;
}

/** What a server says to the `sessapp serve` that started it, and a worker to its primary. */
export type Message =
  | ({ event: 'listening' } & Listening)
  | ({ event: 'failed' } & Failure)
  | { event: 'drained' }
  /** Of a trial only: the application loads. */
  | { event: 'loaded' }
  /** Of workers only: it accepts nothing new. */
  | { event: 'retiring' }
  /** Of workers only: what it has counted since it started. */
  | { event: 'counts'; counts: Counts };

const events: unknown[] = [
  'listening',
  'failed',
  'drained',
  'loaded',
  'retiring',
  'counts',
] satisfies Message['event'][];

/** False for what the application sends of its own, such as PM2's `ready`, which may be anything. */
export function isMessage(sent: unknown): sent is Message {
  return events.includes((sent as Partial<Message> | null)?.event);
}

/** A signal by which the system ends a process that reads memory it must not: a damaged or cut store is such memory. */
const memorySignals = ['SIGBUS', 'SIGSEGV', 'SIGILL'];

/**
 * Why a server, or a worker, ended, as far as its end tells.
 * @param exit `exit code 1`, or `signal SIGBUS`
 */
export function toExitFailure(message: string, exit: string): Failure {
  const isMemorySignal = memorySignals.some((signal) => exit === `signal ${signal}`);
  if (!isMemorySignal) return { code: 'server-failed', message, hint: 'See its output above.' };
  return { code: 'server-crashed', message, hint: 'The file of its store may be damaged. To find out: sessapp doctor' };
}
