import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { hasCode, UserError } from '../../errors.ts';
import type { Listening } from '../../server/messages.ts';
import type { System } from '../../system.ts';
import type { Environment } from '../environment/find.ts';
import { killGroup } from '../environment/process-identity.ts';
import { nodeOf, serverFile } from '../environment/readiness.ts';
import { activate } from '../shells/activation.ts';
import { explainStart, lastWordMs, onMessage, type ServerExit, untilSaid } from './start-outcome.ts';
import { importsIn, reportImports } from './watch.ts';

/** How a server is to run: what overrides its `.env`. */
export interface ServerOptions {
  port?: string;
  host?: string;
  production?: boolean;
  /** How many, or `auto`. */
  workers?: string;
  /** At least one, whatever `.env` says. */
  hasWorkers?: boolean;
  /** Is told each file that it imports. */
  onImport?: (file: string) => void;
  /** Where its output goes: this process's own output, or a file descriptor. */
  output?: number | 'ignore';
}

export interface RunningServer extends Listening {
  pid: number;
  /** Resolves when the process has ended. */
  ended: Promise<ServerExit>;
  /** Asks it to drain and stop; ends it for good when it has not within 5 s. */
  stop(): Promise<ServerExit>;
  /** Lets it live on without this process. */
  detach(): Promise<void>;
}

/** How long a server may take from being asked to stop until it is ended for good. */
const stopMs = 5_000;

/**
 * Starts the environment's server in a session of its own, so that a Ctrl-C reaches it once, through us.
 * It stops by itself when this process is gone, unless it was detached.
 * @returns once it accepts connections
 * @throws UserError with its own reason when it does not, Interrupted when the signal aborted before
 */
export async function startServer(
  system: System,
  environment: Environment,
  options: ServerOptions,
): Promise<RunningServer> {
  const cancelSignal = system.catchInterrupts();
  cancelSignal.throwIfAborted();
  const { child, ended } = spawnServer(system, environment, variables(options), options.output ?? 'inherit');
  const { onImport } = options;
  if (onImport) child.on('message', (message) => importsIn(message).forEach(onImport));
  const stop = (): Promise<ServerExit> => stopServer(child, ended);
  const onCancel = (): void => void stop();
  cancelSignal.addEventListener('abort', onCancel);
  try {
    const listening = await untilSaid(child, ended);
    if (listening.event !== 'listening') throw await explainStart(system, environment, listening, ended);
    const { url, store, workers } = listening;
    return { pid: child.pid ?? 0, url, store, workers, ended, stop, detach: () => detach(child) };
  } catch (error) {
    await stop();
    cancelSignal.throwIfAborted();
    throw error;
  } finally {
    cancelSignal.removeEventListener('abort', onCancel);
  }
}

/**
 * Has the server load its settings and its application, and end. Nothing listens, and no store is opened.
 * @throws UserError with the reason when it does not
 */
export async function verifyLoads(system: System, environment: Environment): Promise<void> {
  // A package that knows no trial starts its server, on a free port.
  const { child, ended } = spawnServer(system, environment, { SESSAPP_TRIAL: '1', PORT: '0' }, 'ignore');
  try {
    const said = await untilSaid(child, ended);
    if (said.event === 'ended' || said.event === 'failed') throw await explainStart(system, environment, said, ended);
  } finally {
    await stopServer(child, ended);
  }
}

function spawnServer(
  system: System,
  environment: Environment,
  variables: NodeJS.ProcessEnv,
  output: number | 'inherit' | 'ignore',
): { child: ChildProcess; ended: Promise<ServerExit> } {
  const child = system.start(nodeOf(environment), [serverFile(environment)], {
    cwd: environment.directory,
    env: { ...activate(environment, system.env), ...variables },
    stdio: ['ignore', output, output, 'ipc'],
    detached: true,
  });
  return { child, ended: watchExit(child) };
}

function variables({ port, host, production, workers, hasWorkers, onImport }: ServerOptions): NodeJS.ProcessEnv {
  return {
    ...(port !== undefined && { PORT: port }),
    ...(host !== undefined && { HOST: host }),
    ...(production && { NODE_ENV: 'production' }),
    ...(workers !== undefined && { WORKERS: workers }),
    ...(hasWorkers && { SESSAPP_WORKERS: '1' }),
    ...(onImport && reportImports),
  };
}

async function watchExit(child: ChildProcess): Promise<ServerExit> {
  let drained = false;
  onMessage(child, ({ event }) => {
    if (event === 'drained') drained = true;
  });
  const [exitCode, signal] = (await once(child, 'exit').catch(rethrowStartError)) as [
    number | null,
    NodeJS.Signals | null,
  ];
  // What it said last may arrive after the news of its end.
  if (child.connected) await Promise.race([once(child, 'disconnect'), wait(lastWordMs, undefined, { ref: false })]);
  return { exitCode: exitCode ?? undefined, signal: signal ?? undefined, drained };
}

function rethrowStartError(error: unknown): never {
  if (!hasCode(error, 'ENOENT', 'EACCES')) throw error;
  throw new UserError(
    'node-missing',
    `Node.js could not be started: ${error.path}.`,
    'Type: sessapp install in the environment.',
  );
}

async function stopServer(child: ChildProcess, ended: Promise<ServerExit>): Promise<ServerExit> {
  const { pid } = child;
  // It could not be started.
  if (pid === undefined) return ended;
  child.kill('SIGTERM');
  const timer = setTimeout(() => killGroup(pid), stopMs);
  return ended.finally(() => clearTimeout(timer));
}

// The server closes the channel when it has read this.
async function detach(child: ChildProcess): Promise<void> {
  const error = await new Promise<Error | null>((resolve) => child.send('detach', resolve));
  if (error) throw new UserError('server-failed', 'The server ended as soon as it listened.', 'Its log says why.');
  child.unref();
}
