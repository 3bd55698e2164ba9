/**
 * An expected failure that the user can fix: `message` states the fact, `hint` says what to type next.
 * Any other error is a bug.
 */
export class UserError extends Error {
  override name = 'UserError';
  readonly exitCode: number = 1;
  readonly code: string;
  /** A caller may set it later, when only the caller knows the remedy. */
  hint: string | undefined;

  constructor(code: string, message: string, hint?: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }
}

/** The command line is wrong: an unknown option, a missing argument, or an invalid value. */
export class UsageError extends UserError {
  override name = 'UsageError';
  override readonly exitCode = 2;

  constructor(message: string, hint?: string) {
    super('usage', message, hint);
  }
}

/** A signal stopped the command. The exit code follows the convention of shells: 128 plus the signal's number. */
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

/** True for an error of Node.js with one of these codes, such as `ENOENT`. */
export function hasCode(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && codes.includes((error as NodeJS.ErrnoException).code ?? '');
}

/** True for an error that the operating system returned for a file, a process or an address. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}

/** Resolves to the result of `work`, or to undefined when it fails with one of these codes, such as `ENOENT`. */
export async function orUndefined<T>(work: Promise<T>, ...codes: string[]): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (hasCode(error, ...codes)) return undefined;
    throw error;
  }
}

const chooseUser = 'Run the same command as a user who is allowed to, or choose another directory.';
const again = 'If another process removed or moved it, run the same command again.';
const systemFailures: Record<string, [code: string, fact: string, hint: string]> = {
  ENOENT: ['file-missing', 'A file or directory is missing', again],
  ENOTDIR: ['file-missing', 'A directory is missing', again],
  ENOSPC: ['disk-full', 'The disk is full', 'Free some space, then run the same command again.'],
  EDQUOT: ['disk-full', 'Your disk quota is used up', 'Free some space, then run the same command again.'],
  EROFS: ['permission-denied', 'The file system is read-only', 'Choose a directory on another file system.'],
  EACCES: ['permission-denied', 'Permission denied', chooseUser],
  EPERM: ['permission-denied', 'Operation not permitted', chooseUser],
  ENAMETOOLONG: ['name-too-long', 'The name is too long for the file system', 'Choose a shorter one.'],
  EMFILE: ['too-many-files', 'Too many files are open', 'Raise the limit: ulimit -n 4096'],
};
const ofWriting = ['ENOSPC', 'EDQUOT', 'EROFS'];

/** Turns an error of the operating system into a UserError; undefined when the user cannot fix it. */
export function toUserError(error: unknown): UserError | undefined {
  if (error instanceof UserError) return error;
  const { code = '', path, dest } = error instanceof Error ? (error as NodeJS.ErrnoException & { dest?: string }) : {};
  const failure = systemFailures[code];
  // A copy has two paths. The disk of the first is only read.
  const place = ofWriting.includes(code) ? (dest ?? path) : path;
  const atPath = place === undefined ? '' : `: ${withoutTemporary(place)}`;
  return failure && new UserError(failure[0], `${failure[1]}${atPath}.`, failure[2]);
}

/** The failure when a file or directory is closed to this user, because another one owns it. */
export function notTheOwner(path: string, uid: number): UserError {
  const fact = `${path} belongs to another user (${uid}).`;
  return new UserError('not-the-owner', fact, 'Run the same command as that user.');
}

/** Replaces the path of our temporary files by their directory: a user does not know the temporary names. */
export function withoutTemporary(text: string): string {
  return text.replace(/(?<=[\\/])\.sessapp(-|[\\/]next[\\/])[^\s:'"]*/g, '');
}
