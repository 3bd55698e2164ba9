import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { hasCode } from '../../errors.ts';
import type { StoreAnswer } from './store-calls.ts';

const lookMs = 1000;

function tellProgress(): void {
  const progress: StoreAnswer = { progress: true };
  if (process.connected) process.send?.(progress);
}

/**
 * For each while of a long call in the store's process: tells that it gets on, and lets that process hear what happens.
 * @throws Error when the tool is gone
 */
export async function takeTurn(): Promise<void> {
  tellProgress();
  await setImmediate();
  if (!process.connected) throw new Error('nobody waits for the answer any more');
}

/** Waits for work that writes into a directory, and tells that it gets on as long as more and more is there. */
export async function whileGrowing(directory: string, work: Promise<void>): Promise<void> {
  let knownBytes = 0;
  const timer = setInterval(async () => {
    const bytes = await sizeOf(directory);
    if (bytes > knownBytes) tellProgress();
    knownBytes = bytes;
  }, lookMs);
  try {
    await work;
  } finally {
    clearInterval(timer);
  }
}

async function sizeOf(directory: string): Promise<number> {
  const names = await readdir(directory, { recursive: true });
  const sizes = await Promise.all(names.map((name) => fileSize(join(directory, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function fileSize(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    // It was moved to its place meanwhile.
    if (hasCode(error, 'ENOENT')) return 0;
    throw error;
  }
}
