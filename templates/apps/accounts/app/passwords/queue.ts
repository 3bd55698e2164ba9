import { Refusal } from '../refusal.ts';

/** How many hashes run at once in this process: each takes a thread of Node.js's four, and its memory. */
const atOnce = 2;
/** How many more may wait. At about 0.3 s each, the last one waits for 3 s. */
const waitingLimit = 20;
const retrySeconds = 5;

let running = 0;
const waiting: (() => void)[] = [];

/**
 * Runs work that takes much of a processor, a few at a time, so that other pages go on.
 * @throws Refusal 503 when too many wait
 */
export async function enqueue<T>(work: () => Promise<T>): Promise<T> {
  if (running >= atOnce) {
    if (waiting.length >= waitingLimit) throw new Refusal(503, retrySeconds);
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else running += 1;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}
