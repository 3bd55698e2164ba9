import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import { endsWithTerminal } from '../terminal.ts';
import { forceExit } from './force-exit.ts';
import { disconnectParent, onParentGone, tellParent } from './parent.ts';
import type { DrainTimeouts, Traffic } from './traffic.ts';
import { isForPrimary, onRetired, outlivePrimary, untilReleased } from './workers/worker.ts';

/** The timeouts when the server stops. */
const stopTimeouts: DrainTimeouts = { deadlineMs: 4000, idleMs: 0 };
/** How long the closers may take: those of the application and of the store. All sessions are saved before that. */
const closeMs = 2000;
/** A second signal counts only after this time: at one Ctrl-C, the terminal sends a signal, and npm sends it again. */
const insistMs = 1000;

const draining = new AbortController();

/** True once the server has stopped accepting connections. */
export function isDraining(): boolean {
  return draining.signal.aborted;
}

/** Calls back when the server stops accepting connections. */
export function onDraining(callback: () => void): void {
  draining.signal.addEventListener('abort', callback, { once: true });
}

/**
 * Stops the server on SIGINT, SIGTERM, SIGHUP of its terminal, or when its parent process is gone. The server accepts no
 * new connections, finishes the requests in flight, closes the other connections, and then runs the closers in order.
 * A second signal closes all connections at once.
 * @param retireTimeouts the timeouts when another worker has replaced this one
 */
export function drainOnSignal(
  traffic: Traffic,
  retireTimeouts: DrainTimeouts,
  closers: (() => Promise<void>)[],
  log: Logger,
): void {
  let stoppedAtMs: number | undefined;
  const onSignal = (): void => {
    if (stoppedAtMs === undefined) {
      stoppedAtMs = Date.now();
      if (isDraining()) void traffic.drain(stopTimeouts);
      else void stop(traffic, stopTimeouts, closers, log);
    } else if (Date.now() - stoppedAtMs > insistMs) traffic.cut();
  };
  const isHeard = { SIGINT: true, SIGTERM: true, SIGHUP: endsWithTerminal() };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (isHeard[signal] && !isForPrimary(signal)) onSignal();
    });
  }
  outlivePrimary();
  onParentGone(onSignal);
  onRetired(() => {
    if (isDraining()) return;
    const released = untilReleased();
    void stop(traffic, retireTimeouts, [() => released, ...closers], log);
    void tellParent({ event: 'retiring' });
  });
}

async function stop(
  traffic: Traffic,
  timeouts: DrainTimeouts,
  closers: (() => Promise<void>)[],
  log: Logger,
): Promise<void> {
  draining.abort();
  process.exitCode = 1;
  try {
    const drained = await traffic.drain(timeouts);
    if (!drained) log.error('requests were still in flight at the deadline; their connections were closed');
    const closed = await Promise.race([closeAll(closers), wait(closeMs, false, { ref: false })]);
    if (!closed) log.error('the application or the store did not close before the deadline');
    if (drained && closed) {
      process.exitCode = 0;
      await tellParent({ event: 'drained' });
    }
  } catch (error) {
    log.fatal({ err: error }, 'the application or the store did not close');
  }
  disconnectParent();
  forceExit((held) => log.warn({ held }, 'the application keeps the process running; stopping it'));
}

async function closeAll(closers: (() => Promise<void>)[]): Promise<true> {
  for (const close of closers) await close();
  return true;
}
