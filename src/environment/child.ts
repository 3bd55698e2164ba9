import type { SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { hasCode, UserError } from '../errors.ts';
import type { System } from '../system.ts';

/** The signals that are passed on to a child that runs in our place. */
const relayed: NodeJS.Signals[] = [
  'SIGHUP',
  'SIGINT',
  'SIGTERM',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGCONT',
  'SIGWINCH',
];

/** A terminal sends these to its whole foreground group: the child has them already. */
const fromTerminal = new Set<NodeJS.Signals>(['SIGINT', 'SIGQUIT', 'SIGWINCH', 'SIGCONT']);

/**
 * Runs a command in our place: it has our streams and gets our signals.
 * @returns its exit code; 128 and the signal's number when a signal ended it, as a shell has it
 * @throws UserError when it cannot be started
 */
export async function runInPlace(
  system: System,
  file: string,
  args: string[],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const options: SpawnOptions = { cwd: system.cwd, env, stdio: 'inherit' };
  const child = system.start(file, args, options);
  const isOnTerminal = [system.stdin, system.stdout, system.stderr].some((stream) => stream.isTTY);
  const handlers = relayed.map((signal): [NodeJS.Signals, () => void] => [
    signal,
    () => {
      if (!(isOnTerminal && fromTerminal.has(signal))) child.kill(signal);
    },
  ]);
  for (const [signal, handler] of handlers) process.on(signal, handler);
  try {
    const [exitCode, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return exitCode ?? 128 + (signal ? constants.signals[signal] : 0);
  } catch (error) {
    throw explain(error, file);
  } finally {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  }
}

function explain(error: unknown, file: string): unknown {
  if (hasCode(error, 'ENOENT')) {
    return new UserError(
      'command-missing',
      `There is no command '${file}' in the environment or on the PATH.`,
      `Add the package that has it: sessapp install <package>`,
    );
  }
  if (hasCode(error, 'EACCES'))
    return new UserError('command-not-executable', `'${file}' may not be executed.`, 'chmod +x it.');
  return error;
}
