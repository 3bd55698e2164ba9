import { stat } from 'node:fs/promises';

/** Is another one whenever a file has changed: it may be replaced by another one, or written in place. */
export async function fingerprint(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(path);
    return [ino, size, mtimeMs].join();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}
