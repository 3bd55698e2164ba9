import type { ChildProcess } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { UserError } from '../../errors.ts';
import { type Failure, isMessage, type Message, toExitFailure } from '../../server/messages.ts';
import type { System } from '../../system.ts';
import type { Environment } from '../environment/find.ts';
import { commandLine } from '../shells/shells.ts';

/** How a server process ended. */
export interface ServerEnd {
  exitCode: number | undefined;
  signal: NodeJS.Signals | undefined;
  /** True when requests in flight were ended and the store closed. */
  drained: boolean;
}

/** How long a server may take until it listens. */
const startMs = 30_000;
/** How long the last output and the last message of a server that ends may take. */
export const lastWordMs = 1_000;

/** Calls back with what the server says to the command that started it. */
export function onMessage(child: ChildProcess, callback: (message: Message) => void): void {
  child.on('message', (message) => isMessage(message) && callback(message));
}

/** How a start went. */
type Said = Extract<Message, { event: 'listening' | 'loaded' | 'failed' }> | { event: 'ended' };

/** Resolves when the server has said that it is ready or has failed, or has ended. */
export async function untilSaid(child: ChildProcess, ended: Promise<ServerEnd>): Promise<Said> {
  let timer: NodeJS.Timeout | undefined;
  const response = new Promise<Said>((resolve, reject) => {
    const slow = new UserError(
      'server-slow',
      `The server did not listen within ${startMs / 1000} s.`,
      'Check what app does when it starts.',
    );
    timer = setTimeout(() => reject(slow), startMs);
    onMessage(child, (message) => isAboutStart(message) && resolve(message));
  });
  return Promise.race([response, ended.then((): Said => ({ event: 'ended' }))]).finally(() => clearTimeout(timer));
}

function isAboutStart(message: Message): message is Extract<Message, Said> {
  return ['listening', 'loaded', 'failed'].includes(message.event);
}

/** Why the server did not start. */
export async function explainStart(
  system: System,
  environment: Environment,
  said: Said,
  ended: Promise<ServerEnd>,
): Promise<UserError> {
  if (said.event === 'failed') {
    // It may be printing its reason.
    await Promise.race([ended, wait(lastWordMs, undefined, { ref: false })]);
    return toUserError(system, environment, said);
  }
  const end = describeEnd(await ended);
  const failure = toExitFailure(`The server exited before it was listening (${end}).`, end);
  return toUserError(system, environment, failure);
}

/** A server names commands as one types them in its directory; the user may be elsewhere. */
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
export function describeEnd({ exitCode, signal }: ServerEnd): string {
  return signal ? `signal ${signal}` : `exit code ${exitCode}`;
}
