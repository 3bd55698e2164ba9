import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { hasCode, UserError } from '../../errors.ts';
import type { System } from '../../system.ts';
import { endsWithTerminal } from '../../terminal.ts';

/** The signals that are passed on to the child. */
const relayed = ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGCONT', 'SIGWINCH'] as const;

/** A terminal sends these to its whole foreground process group, so the child gets them without us. */
const fromTerminal = new Set<NodeJS.Signals>(['SIGINT', 'SIGQUIT', 'SIGWINCH', 'SIGCONT']);

/** The error for a program that could not be started. The exit codes are those of shells, env and nohup. */
class CommandNotRun extends UserError {
  override name = 'CommandNotRun';
  override readonly exitCode: 126 | 127;

  constructor(exitCode: 126 | 127, code: string, message: string, hint: string) {
    super(code, message, hint);
    this.exitCode = exitCode;
  }
}

/**
 * Runs a program in place of this process: it uses our streams and gets our signals.
 * @returns its exit code; 128 plus the signal's number when a signal ended it, as in a shell
 * @throws UserError when the program cannot be started
 */
export async function runInPlace(
  system: System,
  file: string,
  args: string[],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const child = system.start(file, args, { cwd: system.cwd, env, stdio: 'inherit' });
  const stopRelaying = relaySignals(child, system);
  try {
    const [exitCode, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return exitCode ?? 128 + (signal ? constants.signals[signal] : 0);
  } catch (error) {
    throw explain(error, file);
  } finally {
    stopRelaying();
  }
}

function relaySignals(child: ChildProcess, system: System): () => void {
  const endsByHangUp = endsWithTerminal();
  const relay = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGHUP' && !endsByHangUp) return;
    if (!(fromTerminal.has(signal) && isInForeground(system))) child.kill(signal);
  };
  for (const signal of relayed) process.on(signal, relay);
  return () => {
    for (const signal of relayed) process.off(signal, relay);
  };
}

// See proc(5): field 5 is our process group, and field 8 the terminal's foreground process group.
function isInForeground({ stdin, stdout, stderr }: System): boolean {
  if (process.platform !== 'linux') return [stdin, stdout, stderr].some((stream) => stream.isTTY);
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[2] === fields[5];
}

function explain(error: unknown, file: string): unknown {
  if (hasCode(error, 'ENOENT', 'ENOTDIR')) {
    const fact = `There is no command '${file}' in the environment or on the PATH.`;
    return new CommandNotRun(
      127,
      'command-missing',
      fact,
      'Add the package that provides it: sessapp install <package>, or use npx',
    );
  }
  if (hasCode(error, 'EACCES'))
    return new CommandNotRun(
      126,
      'command-not-executable',
      `'${file}' is not executable.`,
      'Make it executable with chmod +x.',
    );
  return error;
}
