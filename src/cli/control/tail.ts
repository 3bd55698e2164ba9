import { type FileHandle, open, stat } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as wait } from 'node:timers/promises';
import { orUndefined } from '../../errors.ts';

const chunkBytes = 64 * 1024;
const pollMs = 200;

/** The last lines of a file, at most its last 64 KB; undefined when there is no file. */
export async function readTail(path: string, lines: number): Promise<string | undefined> {
  const file = await openIfThere(path);
  if (!file) return undefined;
  try {
    return (await readLastLines(file, lines)).text.trimEnd();
  } finally {
    await file.close();
  }
}

/**
 * Yields the last lines of a file, then each addition to it, until the signal aborts. When the file is replaced, the old one is
 * read to its end and the new one from its start. A file that was truncated is read from its start again.
 */
export async function* followFile(path: string, lines: number, signal: AbortSignal): AsyncIterable<string> {
  const decoder = new StringDecoder('utf8');
  let file = await openIfThere(path);
  let position = 0;
  try {
    if (file) {
      const last = await readLastLines(file, lines);
      position = last.endPosition;
      yield last.text;
    }
    while (!signal.aborted) {
      const replaced = !file || (await isReplaced(file, path));
      if (await isShorter(file, position)) position = 0;
      for (let chunk = await readChunk(file, position); chunk; chunk = await readChunk(file, position)) {
        position += chunk.length;
        yield decoder.write(chunk);
      }
      if (replaced) {
        await file?.close();
        file = await openIfThere(path);
        position = 0;
      }
      if (!replaced || !file) await wait(pollMs, undefined, { signal }).catch(ignoreAbort);
    }
  } finally {
    await file?.close();
  }
}

async function readLastLines(file: FileHandle, lines: number): Promise<{ text: string; endPosition: number }> {
  const { size } = await file.stat();
  const start = Math.max(0, size - chunkBytes);
  const chunk = (await readChunk(file, start)) ?? Buffer.alloc(0);
  const all = chunk.toString('utf8').split('\n');
  const ended = all.at(-1) === '' ? 1 : 0;
  // The first line may be incomplete: drop it, unless it is the only one.
  if (start > 0 && all.length - ended > 1) all.shift();
  return { text: all.slice(-lines - ended).join('\n'), endPosition: start + chunk.length };
}

async function readChunk(file: FileHandle | undefined, position: number): Promise<Buffer | undefined> {
  if (!file) return undefined;
  const { buffer, bytesRead } = await file.read(Buffer.alloc(chunkBytes), 0, chunkBytes, position);
  return bytesRead === 0 ? undefined : buffer.subarray(0, bytesRead);
}

// For example after logrotate's `copytruncate`.
async function isShorter(file: FileHandle | undefined, position: number): Promise<boolean> {
  return file !== undefined && (await file.stat()).size < position;
}

async function isReplaced(file: FileHandle, path: string): Promise<boolean> {
  const [here, there] = await Promise.all([file.stat(), orUndefined(stat(path), 'ENOENT')]);
  return there !== undefined && here.ino !== there.ino;
}

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error;
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  return orUndefined(open(path), 'ENOENT');
}
