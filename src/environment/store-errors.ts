import { statfs } from 'node:fs/promises';
import { getSystemErrorMap, getSystemErrorName } from 'node:util';
import { hasCode, UserError } from '../errors.ts';
import type { StoreFailure } from './store-calls.ts';

/** With less than this a disk is as good as full. */
const fullBytes = 64 * 1024;

/** In the process that has the store: what failed, in a form that can be sent. */
export async function describeFailure(error: unknown, dataDirectory: string): Promise<StoreFailure> {
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(error, message);
  // LMDB does not always say why it could not write.
  const isUnclear = code === undefined || code === 'EIO';
  if (isUnclear && (await isFull(dataDirectory))) return { message, code: 'ENOSPC' };
  const { hint } = (error ?? {}) as { hint?: unknown };
  return { message, ...(code !== undefined && { code }), ...(typeof hint === 'string' && { hint }) };
}

// LMDB has the system's numbers, and negative ones of its own; or the system's text alone.
function codeOf(error: unknown, message: string): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  if (typeof code === 'number') return code > 0 ? getSystemErrorName(-code) : undefined;
  if (typeof code === 'string') return code;
  const known = [...getSystemErrorMap().values()].find(([, text]) => text === message.toLowerCase());
  return known?.[0];
}

async function isFull(directory: string): Promise<boolean> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize < fullBytes;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return false;
    throw error;
  }
}

/** How the process that has the store ended, and the last of what it printed on stderr. */
export interface ProcessEnd {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  printed: string;
}

const space = 'Free some space, then run the same command again.';
const reasons: Record<string, [fact: string, remedy?: string]> = {
  EACCES: ['this user may not read and write its files'],
  EPERM: ['its files belong to another user'],
  EEXIST: ['a file is in the place of its directory'],
  ENOTDIR: ['a file is in the place of its directory'],
  EROFS: ['its file system is read-only'],
  ENOSPC: ['the disk is full', space],
  EDQUOT: ['your disk quota is used up', space],
};

const restore = 'Stop the server and put a backup in its place: docs/store.md says how.';

/** For a person: why a call failed. */
export function toUnavailable({ message, code = '', hint }: StoreFailure): StoreUnavailable {
  if (hint !== undefined) return new StoreUnavailable(message.replace(/\.$/, ''), hint);
  const known = reasons[code];
  if (known) return new StoreUnavailable(...known);
  const line = message.split('\n')[0] ?? '';
  if (line.startsWith('MDB_')) return new StoreUnavailable(`its file is damaged (${line})`, restore);
  const reason = code === '' ? line : line.replace(`${code}: `, '');
  return new StoreUnavailable(reason, /\bdamaged\b/.test(line) ? restore : undefined);
}

/** For a person: why the process that has the store ended. */
export function toCrash({ exitCode, signal, printed }: ProcessEnd): StoreUnavailable {
  // What lmdb does with a file that it cannot make sense of.
  const isCrash = signal === 'SIGSEGV' || signal === 'SIGBUS' || signal === 'SIGABRT';
  if (isCrash)
    return new StoreUnavailable(`its driver crashed with ${signal}, most likely over a damaged file`, restore);
  const error = /^(?:\w*Error: )(.*)$/m.exec(printed)?.[1];
  const end = signal ? `signal ${signal}` : `exit code ${exitCode}`;
  const reason = `the process that reads it ended with ${end}${error === undefined ? '' : ` (${error})`}`;
  return new StoreUnavailable(reason);
}

/** Why a store cannot be used. Without a hint, `withStore` adds one. */
export class StoreUnavailable extends UserError {
  override name = 'StoreUnavailable';
  readonly reason: string;

  constructor(reason: string, hint?: string) {
    super('store-unavailable', `The store cannot be used: ${reason}.`, hint);
    this.reason = reason;
  }
}
