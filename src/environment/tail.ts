import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { hasCode } from '../errors.ts';

const maxBytes = 64 * 1024;
const pollMs = 200;

/** The last lines of a file, of its last 64 KB at most; empty when there is no file. */
export async function readEnd(path: string, lines: number): Promise<string> {
  const size = await sizeOf(path);
  if (size === undefined) return '';
  const file = await open(path);
  try {
    const length = Math.min(size, maxBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n').slice(-lines).join('\n');
  } finally {
    await file.close();
  }
}

/**
 * Yields what is in a file and what is added to it until the signal aborts; a file that is replaced by a new one is
 * read from its beginning.
 */
export async function* follow(path: string, signal: AbortSignal): AsyncIterable<Buffer> {
  let inode: number | undefined;
  let position = 0;
  while (!signal.aborted) {
    const found = await statIfThere(path);
    if (found && (found.ino !== inode || found.size < position)) {
      inode = found.ino;
      position = 0;
    }
    if (found && found.size > position) {
      for await (const chunk of createReadStream(path, { start: position, end: found.size - 1 })) {
        position += (chunk as Buffer).length;
        yield chunk as Buffer;
      }
    }
    await wait(pollMs, undefined, { signal }).catch(ignoreAbort);
  }
}

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error;
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await statIfThere(path))?.size;
}

async function statIfThere(path: string): Promise<{ size: number; ino: number } | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
