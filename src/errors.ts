/**
 * A failure that a user can meet and mend: `message` states the fact, `hint` says what to type next.
 * Anything else that is thrown is a bug.
 */
export class UserError extends Error {
  override name = 'UserError';
  readonly exitCode: number = 1;
  readonly code: string;
  /** A caller may add it, where only the caller knows the remedy. */
  hint: string | undefined;

  constructor(code: string, message: string, hint?: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }
}

/** The command line itself is wrong: an unknown option, a missing argument, a value that is not one of the valid ones. */
export class UsageError extends UserError {
  override name = 'UsageError';
  override readonly exitCode = 2;

  constructor(message: string, hint?: string) {
    super('usage', message, hint);
  }
}

/** A signal asked the command to stop. The exit code is the shell's convention: 128 and the signal's number. */
export class Interrupted extends UserError {
  override name = 'Interrupted';
  override readonly exitCode: number;

  constructor(signal: InterruptSignal) {
    super('interrupted', `Interrupted by ${signal}.`);
    this.exitCode = interruptSignals[signal];
  }
}

/** The signals that end a command, and the exit code of each. */
export const interruptSignals = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
export type InterruptSignal = keyof typeof interruptSignals;

/** True for an error of Node's own with one of these codes, such as `ENOENT`. */
export function hasCode(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && codes.includes((error as NodeJS.ErrnoException).code ?? '');
}

/** True for an error that the operating system returned for a file, a process or an address. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}

/** What `work` resolves to; undefined when it fails with one of these codes, such as `ENOENT`. */
export async function orUndefined<T>(work: Promise<T>, ...codes: string[]): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (hasCode(error, ...codes)) return undefined;
    throw error;
  }
}

const chooseDirectory = 'Choose a directory of your own, or give yourself the right to it.';
const systemFailures: Record<string, [code: string, fact: string, hint: string]> = {
  ENOSPC: ['disk-full', 'The disk is full', 'Free some space, then run the same command again.'],
  EDQUOT: ['disk-full', 'Your disk quota is used up', 'Free some space, then run the same command again.'],
  EROFS: ['permission-denied', 'The file system is read-only', 'Choose a directory elsewhere.'],
  EACCES: ['permission-denied', 'Permission denied', chooseDirectory],
  EPERM: ['permission-denied', 'Operation not permitted', chooseDirectory],
  ENAMETOOLONG: ['name-too-long', 'The name is too long for the file system', 'Choose a shorter one.'],
  EMFILE: ['too-many-files', 'Too many files are open', 'Raise the limit: ulimit -n 4096'],
};

/** What the system refused, as the failure that a user can mend; undefined for anything else. */
export function toUserError(error: unknown): UserError | undefined {
  if (error instanceof UserError) return error;
  const { code = '', path } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  const failure = systemFailures[code];
  const atPath = path === undefined ? '' : `: ${withoutTemporary(path)}`;
  return failure && new UserError(failure[0], `${failure[1]}${atPath}.`, failure[2]);
}

/** Names the directory in which a temporary file or folder of ours is, instead of that: nobody else knows its name. */
export function withoutTemporary(text: string): string {
  return text.replace(/(?<=[\\/])\.sessapp(-|[\\/]next[\\/])[^\s:'"]*/g, '');
}
