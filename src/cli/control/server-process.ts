import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { hasCode, UserError } from '../../errors.ts';
import { type Failure, isMessage, type Listening, type Message, toEndFailure } from '../../server/messages.ts';
import type { System } from '../../system.ts';
import type { Environment } from '../environment/find.ts';
import { killGroup } from '../environment/process-identity.ts';
import { nodeOf, serverFile } from '../environment/readiness.ts';
import { activate } from '../shells/activation.ts';
import { commandLine } from '../shells/shells.ts';

/** How a server is to run: what overrides its `.env`. */
export interface ServerOptions {
  port?: string;
  host?: string;
  production?: boolean;
  /** How many, or `auto`. */
  workers?: string;
  /** At least one, whatever `.env` says. */
  hasWorkers?: boolean;
  /** Where what it prints goes: this process's own output, or a file descriptor. */
  output?: number;
}

export interface RunningServer extends Listening {
  pid: number;
  /** Resolves when the process has ended. */
  ended: Promise<ServerEnd>;
  /** Asks it to drain and stop; ends it for good when it has not within 5 s. */
  stop(): Promise<ServerEnd>;
  /** Lets it live on without this process. */
  detach(): Promise<void>;
}

export interface ServerEnd {
  exitCode: number | undefined;
  signal: NodeJS.Signals | undefined;
  /** True when requests in flight were ended and the store closed. */
  drained: boolean;
}

/** How long a server may take until it listens, and from being asked to stop until it is ended for good. */
const startMs = 30_000;
const stopMs = 5_000;
/** How long the last message of a server that has ended may take. */
const lastWordMs = 1_000;

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
  const child = system.start(nodeOf(environment), [serverFile(environment)], {
    cwd: environment.directory,
    env: { ...activate(environment, system.env), ...variables(options) },
    stdio: ['ignore', options.output ?? 'inherit', options.output ?? 'inherit', 'ipc'],
    detached: true,
  });
  const ended = watchEnd(child);
  const stop = (): Promise<ServerEnd> => stopServer(child, ended);
  const onCancel = (): void => void stop();
  cancelSignal.addEventListener('abort', onCancel);
  try {
    const { url, store, workers } = await untilListening(child, ended, (failed) =>
      toUserError(system, environment, failed),
    );
    return { pid: child.pid ?? 0, url, store, workers, ended, stop, detach: () => detach(child) };
  } catch (error) {
    await stop();
    cancelSignal.throwIfAborted();
    throw error;
  } finally {
    cancelSignal.removeEventListener('abort', onCancel);
  }
}

function variables({ port, host, production, workers, hasWorkers }: ServerOptions): NodeJS.ProcessEnv {
  return {
    ...(port !== undefined && { PORT: port }),
    ...(host !== undefined && { HOST: host }),
    ...(production && { NODE_ENV: 'production' }),
    ...(workers !== undefined && { WORKERS: workers }),
    ...(hasWorkers && { SESSAPP_WORKERS: '1' }),
  };
}

async function watchEnd(child: ChildProcess): Promise<ServerEnd> {
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

function onMessage(child: ChildProcess, callback: (message: Message) => void): void {
  child.on('message', (message) => isMessage(message) && callback(message));
}

function rethrowStartError(error: unknown): never {
  if (!hasCode(error, 'ENOENT', 'EACCES')) throw error;
  throw new UserError(
    'node-missing',
    `Node.js could not be started: ${error.path}.`,
    'Type: sessapp install in the environment.',
  );
}

async function untilListening(
  child: ChildProcess,
  ended: Promise<ServerEnd>,
  explain: (failed: Failure) => Promise<UserError>,
): Promise<Listening> {
  let timer: NodeJS.Timeout | undefined;
  const answer = new Promise<Message>((resolve, reject) => {
    const slow = new UserError(
      'server-slow',
      `The server did not listen within ${startMs / 1000} s.`,
      'Look at what app does when it starts.',
    );
    timer = setTimeout(() => reject(slow), startMs);
    onMessage(child, resolve);
  });
  const message = await Promise.race([answer, ended]).finally(() => clearTimeout(timer));
  if ('event' in message && message.event === 'listening') return message;
  if ('event' in message && message.event === 'failed') throw await explain(message);
  const end = describeEnd(await ended);
  throw await explain(toEndFailure(`The server ended before it listened, with ${end}.`, end));
}

// A server names commands as one types them in its directory; the user may be elsewhere.
export async function toUserError(
  system: System,
  { directory }: Pick<Environment, 'directory'>,
  { code, message, hint }: Failure,
): Promise<UserError> {
  const named = /sessapp (secret rotate|doctor)/.exec(hint ?? '')?.[1];
  if (named === undefined) return new UserError(code, message, hint);
  const line = await commandLine(system, directory, named);
  return new UserError(
    code,
    message,
    hint?.replace(`sessapp ${named}`, () => line),
  );
}

/** `exit code 1`, or `signal SIGKILL`. */
export function describeEnd({ exitCode, signal }: ServerEnd): string {
  return signal ? `signal ${signal}` : `exit code ${exitCode}`;
}

async function stopServer(child: ChildProcess, ended: Promise<ServerEnd>): Promise<ServerEnd> {
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
