import { statfs } from 'node:fs/promises';
import { getSystemErrorMap, getSystemErrorName } from 'node:util';
import { orUndefined, UserError } from '../../errors.ts';

/** A disk with less free space than this counts as full. */
const fullBytes = 64 * 1024;

/**
 * Turns the error of a call to a store into a message for the user.
 * @param dataDirectory the directory of the embedded store
 */
export async function explainFailure(given: unknown, dataDirectory: string): Promise<unknown> {
  if (given instanceof UserError) return given;
  const error = rootOf(given);
  const { hint } = (error ?? {}) as { hint?: unknown };
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(error, message);
  if (typeof hint === 'string') return new StoreUnavailable(message.replace(/\.$/, ''), hint, code);
  // LMDB does not always report why it could not write.
  const isUnclear = code === undefined || code === 'EIO';
  return toUnavailable(message, isUnclear && (await isFull(dataDirectory)) ? 'ENOSPC' : code);
}

// The error of the deadline has the real error as its cause.
function rootOf(error: unknown): unknown {
  const { name, cause } = (error ?? {}) as { name?: unknown; cause?: unknown };
  return name === 'StoreUnavailable' && cause !== undefined ? cause : error;
}

// An LMDB error has the system's error number, a negative number of its own, or only the system's text.
function codeOf(error: unknown, message: string): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  if (typeof code === 'number') return code > 0 ? getSystemErrorName(-code) : undefined;
  if (typeof code === 'string') return code;
  const known = [...getSystemErrorMap().values()].find(([, text]) => text === message.toLowerCase());
  return known?.[0];
}

async function isFull(directory: string): Promise<boolean> {
  const disk = await orUndefined(statfs(directory), 'ENOENT', 'ENOTDIR', 'EACCES');
  return disk !== undefined && disk.bavail * disk.bsize < fullBytes;
}

const space = 'Free some space, then run the same command again.';
const reasons: Record<string, [fact: string, remedy?: string]> = {
  EACCES: ['this user is not allowed to read and write its files'],
  EPERM: ['its files belong to another user'],
  EEXIST: ['there is a file where its directory must be'],
  ENOTDIR: ['there is a file where its directory must be'],
  EROFS: ['its file system is read-only'],
  ENOSPC: ['the disk is full', space],
  EDQUOT: ['your disk quota is used up', space],
};

/** The errors about the content of the data file. Others may be about the lock file, which holds no data. */
const dataFaults = /^MDB_(CORRUPTED|PAGE_NOTFOUND)/;

export const restore = 'Stop the server and restore a backup: see docs/store.md.';

function toUnavailable(message: string, code = ''): StoreUnavailable {
  const known = reasons[code];
  if (known) return new StoreUnavailable(known[0], known[1], code);
  const line = message.split('\n')[0] ?? '';
  if (line.startsWith('MDB_')) {
    const fault = dataFaults.test(line) ? 'damaged' : 'unclear';
    return new StoreUnavailable(`its file is damaged (${line})`, restore, fault);
  }
  const reason = code === '' ? line : line.replace(`${code}: `, '');
  return /\bdamaged\b/.test(line)
    ? new StoreUnavailable(reason, restore, 'damaged')
    : new StoreUnavailable(reason, undefined, code);
}

/** The error for a store that cannot be used. If it has no hint, `withStore` adds one. */
export class StoreUnavailable extends UserError {
  override name = 'StoreUnavailable';
  readonly reason: string;
  /** `damaged`: the data file is. `unclear`: the data file or the lock file is. Otherwise the code of the error, if any. */
  readonly fault: string;

  constructor(reason: string, hint?: string, fault = '') {
    super('store-unavailable', `The store cannot be used: ${reason}.`, hint);
    this.reason = reason;
    this.fault = fault;
  }
}
