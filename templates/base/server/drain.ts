import type { Server } from 'node:http';
import type { Logger } from 'pino';
import type { Driver } from '../session/driver.ts';
import { leaveParent, tellParent } from './parent.ts';

/** How long requests in flight may take to end once the server is to stop. */
const deadlineMs = 4000;

/**
 * Stops on SIGINT, SIGTERM, or when the `sessapp serve` that started the server is gone: nothing new is accepted,
 * requests in flight end, idle connections close, then the store. A second signal cuts what is still open.
 */
export function drainOnSignal(servers: Server[], driver: Driver, log: Logger): void {
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return cut(servers);
    stopping = true;
    const drained = await drain(servers);
    await driver.close();
    if (drained) tellParent({ event: 'drained' });
    else log.error('requests were still in flight at the deadline and were cut');
    process.exitCode = drained ? 0 : 1;
    leaveParent();
    endIfHeld(log);
  };
  const stopOrFail = (): void => {
    stop().catch((error) => {
      log.fatal({ err: error }, 'the store did not close');
      process.exitCode = 1;
    });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stopOrFail);
  stopWithParent(stopOrFail);
}

// `sessapp serve --background` says `detach` before it leaves; any other end of it takes the server along.
function stopWithParent(stop: () => void): void {
  if (!process.send) return;
  process.once('disconnect', stop);
  process.on('message', (message) => {
    if (message !== 'detach') return;
    process.off('disconnect', stop);
    leaveParent();
  });
}

/** False when requests had to be cut at the deadline. */
async function drain(servers: Server[]): Promise<boolean> {
  let drained = true;
  // A connection that answered its last request becomes idle only then.
  const sweep = setInterval(() => closeIdle(servers), 50);
  const deadline = setTimeout(() => {
    drained = false;
    cut(servers);
  }, deadlineMs);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  clearInterval(sweep);
  clearTimeout(deadline);
  return drained;
}

function closeIdle(servers: Server[]): void {
  for (const server of servers) server.closeIdleConnections();
}

function cut(servers: Server[]): void {
  for (const server of servers) server.closeAllConnections();
}

// A timer or a connection of the application's own would keep the process running for ever.
function endIfHeld(log: Logger): void {
  const timer = setTimeout(() => {
    log.warn({ held: process.getActiveResourcesInfo() }, 'the application keeps the process running; ending it');
    process.removeAllListeners('SIGTERM');
    process.kill(process.pid, 'SIGTERM');
  }, 500);
  timer.unref();
}
