import type { Server } from 'node:http';
import type { Logger } from 'pino';
import { leaveParent, onParentGone, tellParent } from './parent.ts';
import { Traffic } from './traffic.ts';

/** How long requests in flight may take to end once the server is to stop. */
const deadlineMs = 4000;
/** How long the application may keep the process running after that, with a timer or a connection of its own. */
const heldMs = 500;
/** When a second signal means it: npm passes on a Ctrl-C that the terminal has sent to the server already. */
const insistMs = 1000;

/**
 * Stops on SIGINT, SIGTERM, SIGHUP, or when the `sessapp serve` that started the server is gone: nothing new is
 * accepted, requests in flight end, other connections close, then the rest, in its order. A second signal cuts what is
 * still open.
 */
export function drainOnSignal(servers: Server[], closers: (() => Promise<void>)[], log: Logger): void {
  const traffic = new Traffic(servers);
  let stoppedAtMs: number | undefined;
  const onSignal = (): void => {
    if (stoppedAtMs === undefined) {
      stoppedAtMs = Date.now();
      void stop(traffic, closers, log);
    } else if (Date.now() - stoppedAtMs > insistMs) traffic.cut();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  onParentGone(onSignal);
}

async function stop(traffic: Traffic, closers: (() => Promise<void>)[], log: Logger): Promise<void> {
  process.exitCode = 1;
  try {
    const drained = await traffic.drain(deadlineMs);
    if (!drained) log.error('requests were still in flight at the deadline and were cut');
    for (const close of closers) await close();
    if (drained) {
      process.exitCode = 0;
      await tellParent({ event: 'drained' });
    }
  } catch (error) {
    log.fatal({ err: error }, 'the store did not close');
  }
  leaveParent();
  endIfHeld(log);
}

function endIfHeld(log: Logger): void {
  const timer = setTimeout(() => {
    log.warn({ held: process.getActiveResourcesInfo() }, 'the application keeps the process running; ending it');
    process.removeAllListeners('SIGTERM');
    process.kill(process.pid, 'SIGTERM');
  }, heldMs);
  timer.unref();
}
