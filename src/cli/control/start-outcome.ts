import type { ChildProcess } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { UserError } from '../../errors.ts';
import { type Failure, isMessage, type Message, toExitFailure } from '../../server/messages.ts';
import type { System } from '../../system.ts';
import type { Environment } from '../environment/find.ts';
import { commandLine } from '../shells/shells.ts';

/** How a server process exited. */
export interface ServerExit {
  exitCode: number | undefined;
  signal: NodeJS.Signals | undefined;
  /** True when all requests in flight were finished and the store was closed. */
  drained: boolean;
}

/** How long a server may take to listen. */
const startMs = 30_000;
/** How long to wait for the last output and the last message of a server that exits. */
export const lastWordMs = 1_000;

/** Calls back with each message that the server sends to the command that started it. */
export function onMessage(child: ChildProcess, callback: (message: Message) => void): void {
  child.on('message', (message) => isMessage(message) && callback(message));
}

/** The outcome of a start. */
type Said = Extract<Message, { event: 'listening' | 'loaded' | 'failed' }> | { event: 'ended' };

/** Resolves when the server reports that it is ready or has failed, or when it exits. */
export async function untilSaid(child: ChildProcess, ended: Promise<ServerExit>): Promise<Said> {
  let timer: NodeJS.Timeout | undefined;
  const response = new Promise<Said>((resolve, reject) => {
    const slow = new UserError(
      'server-slow',
      `The server did not listen within ${startMs / 1000} s.`,
      'Check what the application does when it starts.',
    );
    timer = setTimeout(() => reject(slow), startMs);
    onMessage(child, (message) => isAboutStart(message) && resolve(message));
  });
  return Promise.race([response, ended.then((): Said => ({ event: 'ended' }))]).finally(() => clearTimeout(timer));
}

function isAboutStart(message: Message): message is Extract<Message, Said> {
  return ['listening', 'loaded', 'failed'].includes(message.event);
}

/** The error for a server that did not start. */
export async function explainStart(
  system: System,
  environment: Environment,
  said: Said,
  ended: Promise<ServerExit>,
): Promise<UserError> {
  if (said.event === 'failed') {
    // The server may still be printing the reason.
    await Promise.race([ended, wait(lastWordMs, undefined, { ref: false })]);
    return toUserError(system, environment, said);
  }
  const exit = describeExit(await ended);
  const failure = toExitFailure(`The server exited before it was listening (${exit}).`, exit);
  return toUserError(system, environment, failure);
}

/** The server's hints name commands as typed in its directory; this adapts them to the user's working directory. */
export async function toUserError(
  system: System,
  { directory }: Pick<Environment, 'directory'>,
  { code, message, hint }: Failure,
): Promise<UserError> {
  const [typed, name = '', word] = /sessapp (secret rotate|install|doctor)(?: (@?[\w./-]+))?/.exec(hint ?? '') ?? [];
  if (typed === undefined) return new UserError(code, message, hint);
  const line = await commandLine(system, directory, name, ...(word === undefined ? [] : [word]));
  return new UserError(
    code,
    message,
    hint?.replace(typed, () => line),
  );
}

/** `exit code 1`, or `signal SIGKILL`. */
export function describeExit({ exitCode, signal }: ServerExit): string {
  return signal ? `signal ${signal}` : `exit code ${exitCode}`;
}
