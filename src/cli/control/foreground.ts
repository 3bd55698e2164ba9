import { toUserError, type UserError } from '../../errors.ts';
import type { System } from '../../system.ts';
import type { Environment } from '../environment/find.ts';
import { type RunningServer, type ServerOptions, startServer } from './server-process.ts';
import { recordDown, recordListening } from './server-record.ts';
import type { ServerEnd } from './start-outcome.ts';
import { type Changes, type WatchPaths, watchFiles } from './watch.ts';

/** Is told what happens to the server, for a person or a script that follows. */
export interface ServerObserver {
  listening(server: RunningServer): Promise<void>;
  /** @param file the one that changed, by its path in the environment */
  restarting(file: string): void;
  /** Under `watch` only: it did not start or ended, and starts again at the next change. */
  down(error: UserError | ServerEnd): void;
}

interface Run {
  system: System;
  environment: Environment;
  options: ServerOptions;
  /** Asks for the end. */
  signal: AbortSignal;
  observer: ServerObserver;
}

const notRunning: ServerEnd = { exitCode: 0, signal: undefined, drained: true };

/**
 * Runs the server until a signal asks for its end.
 * @param options `watch`: it restarts when a file changes that it runs from
 * @returns how it ended; without a signal, it ended by itself
 */
export async function runInForeground(
  system: System,
  environment: Environment,
  { watch, ...options }: ServerOptions & { watch?: WatchPaths | undefined },
  observer: ServerObserver,
): Promise<ServerEnd> {
  const run = { system, environment, options, signal: system.catchInterrupts(), observer };
  if (!watch) return runOnce(run);
  const changes = await watchFiles(environment.directory, watch);
  try {
    return await runAndRestart({ ...run, options: { ...options, onImport: changes.imported } }, changes);
  } finally {
    await changes.close();
  }
}

async function runOnce(run: Run): Promise<ServerEnd> {
  const server = await start(run, run.options.port);
  await Promise.race([server.ended, untilAborted(run.signal)]);
  return run.signal.aborted ? server.stop() : server.ended;
}

async function runAndRestart(run: Run, changes: Changes): Promise<ServerEnd> {
  const { environment, signal, observer } = run;
  const aborted = untilAborted(signal);
  let { port } = run.options;
  while (!signal.aborted) {
    const changed = changes.next();
    changes.setRunning(true);
    const server = await startIfPossible(run, port);
    if (server) {
      port = portToKeep(run, server) ?? port;
      const first = await Promise.race([server.ended, aborted, changed]);
      if (signal.aborted) return server.stop();
      if (typeof first === 'object') await reportDown(run, await server.ended);
      changes.setRunning(typeof first === 'string');
    } else changes.setRunning(false);
    const file = await Promise.race([aborted, changed]);
    if (signal.aborted) return notRunning;
    observer.restarting(file);
    await recordDown(environment);
    await server?.stop();
  }
  return notRunning;
}

async function start({ system, environment, options, observer }: Run, port?: string): Promise<RunningServer> {
  const server = await startServer(system, environment, { ...options, ...(port !== undefined && { port }) });
  try {
    await recordListening(environment, server, system.now());
    await observer.listening(server);
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function startIfPossible(run: Run, port: string | undefined): Promise<RunningServer | undefined> {
  try {
    return await start(run, port);
  } catch (error) {
    const expected = toUserError(error);
    if (!expected) throw error;
    if (!run.signal.aborted) await reportDown(run, expected);
    return undefined;
  }
}

async function reportDown({ environment, observer }: Run, failure: UserError | ServerEnd): Promise<void> {
  await recordDown(environment);
  observer.down(failure);
}

// A free port that was found once is kept, so that the page can be reloaded.
function portToKeep({ system, options }: Run, { url }: RunningServer): string | undefined {
  return (options.port ?? system.env.PORT) === '0' ? new URL(url).port : undefined;
}

function untilAborted(signal: AbortSignal): Promise<'aborted'> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve('aborted');
    else signal.addEventListener('abort', () => resolve('aborted'), { once: true });
  });
}
