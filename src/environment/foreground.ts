import type { UserError } from '../errors.ts';
import { toUserError } from '../errors.ts';
import type { System } from '../system.ts';
import type { Environment } from './find.ts';
import { type RunningServer, type ServerEnd, type ServerOptions, startServer } from './server-process.ts';
import { recordListening } from './server-record.ts';
import { type Changes, watchFiles } from './watch.ts';

/** Is told what happens to the server, for a person or a script that follows. */
export interface Follower {
  listening(server: RunningServer): Promise<void>;
  restarting(): void;
  /** Under `watch` only: it did not start or ended, and starts anew at the next change. */
  down(error: UserError | ServerEnd): void;
}

/**
 * Runs the server until a signal asks for its end.
 * @param options `watch`: it starts anew whenever a file of the environment changes
 * @returns how it ended; without a signal, it ended by itself
 */
export async function runInForeground(
  system: System,
  environment: Environment,
  options: ServerOptions & { watch: boolean },
  signal: AbortSignal,
  follower: Follower,
): Promise<ServerEnd> {
  const changes = options.watch ? await watchFiles(environment.directory) : undefined;
  const start = (port: string | undefined): Promise<RunningServer> =>
    startServer(system, environment, { ...options, ...(port !== undefined && { port }) }, signal);
  try {
    if (!changes) return await runOnce(system, environment, await start(options.port), signal, follower);
    return await runAndRestart(system, environment, options.port, start, changes, signal, follower);
  } finally {
    await changes?.close();
  }
}

async function runOnce(
  system: System,
  environment: Environment,
  server: RunningServer,
  signal: AbortSignal,
  follower: Follower,
): Promise<ServerEnd> {
  await recordListening(environment, server, system.now());
  await follower.listening(server);
  await Promise.race([server.ended, untilAborted(signal)]);
  return signal.aborted ? server.stop() : server.ended;
}

async function runAndRestart(
  system: System,
  environment: Environment,
  firstPort: string | undefined,
  start: (port: string | undefined) => Promise<RunningServer>,
  changes: Changes,
  signal: AbortSignal,
  follower: Follower,
): Promise<ServerEnd> {
  let port = firstPort;
  for (;;) {
    const changed = changes.next();
    const server = await start(port).catch((error: unknown) => {
      const expected = toUserError(error);
      if (!expected) throw error;
      if (!signal.aborted) follower.down(expected);
      return undefined;
    });
    if (server) {
      // A free port that was found once is kept, so that the page can be reloaded.
      port = new URL(server.url).port;
      await recordListening(environment, server, system.now());
      await follower.listening(server);
      const first = await Promise.race([server.ended, untilAborted(signal), changed]);
      if (signal.aborted) return server.stop();
      if (first !== 'changed') follower.down(await server.ended);
    }
    await Promise.race([untilAborted(signal), changed]);
    if (signal.aborted) return { exitCode: 0, signal: undefined, drained: true };
    follower.restarting();
    await server?.stop();
  }
}

function untilAborted(signal: AbortSignal): Promise<'aborted'> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve('aborted');
    else signal.addEventListener('abort', () => resolve('aborted'), { once: true });
  });
}
