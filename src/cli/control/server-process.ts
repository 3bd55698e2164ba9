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

/** Options that override the `.env` of a server. */
export interface ServerOptions {
  port?: string;
  host?: string;
  production?: boolean;
  /** The number of workers, or `auto`. */
  workers?: string;
  /** Run at least one worker, whatever `.env` says. */
  hasWorkers?: boolean;
  /** Called with each file that the server imports. */
  onImport?: (file: string) => void;
  /** Where its output goes: this process's own output, or a file descriptor. */
  output?: number | 'ignore';
}

export interface RunningServer extends Listening {
  pid: number;
  /** Resolves when the process has exited. */
  ended: Promise<ServerExit>;
  /** Makes it drain and stop; kills it after 5 s. */
  stop(): Promise<ServerExit>;
  /** Leaves it running when this process exits. */
  detach(): Promise<void>;
}

/** How long a server may take to stop before it is killed. */
const stopMs = 5_000;

/**
 * Starts the environment's server in its own process session, so that Ctrl-C reaches it only once, through us.
 * It stops by itself when this process exits, unless it was detached.
 * @returns once it accepts connections
 * @throws UserError with the server's own reason when it does not start, Interrupted when a signal came first
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
 * Makes the server load its settings and its application and exit, without listening or opening a store.
 * @throws UserError with the reason when that fails
 */
export async function verifyLoads(system: System, environment: Environment): Promise<void> {
  // An older package does not know SESSAPP_TRIAL and starts the server. Use a free port for that.
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
  // The last message of the server may arrive after its exit event.
  if (child.connected) await Promise.race([once(child, 'disconnect'), wait(lastWordMs, undefined, { ref: false })]);
  return { exitCode: exitCode ?? undefined, signal: signal ?? undefined, drained };
}

function rethrowStartError(error: unknown): never {
  if (!hasCode(error, 'ENOENT', 'EACCES')) throw error;
  throw new UserError(
    'node-missing',
    `Node.js could not be started: ${error.path}.`,
    'In the environment, type: sessapp install',
  );
}

async function stopServer(child: ChildProcess, ended: Promise<ServerExit>): Promise<ServerExit> {
  const { pid } = child;
  // The process could not be started.
  if (pid === undefined) return ended;
  child.kill('SIGTERM');
  const timer = setTimeout(() => killGroup(pid), stopMs);
  return ended.finally(() => clearTimeout(timer));
}

// The server closes the channel when it has read this message.
async function detach(child: ChildProcess): Promise<void> {
  const error = await new Promise<Error | null>((resolve) => child.send('detach', resolve));
  if (error) throw new UserError('server-failed', 'The server exited as soon as it was listening.', 'See its log.');
  child.unref();
}
