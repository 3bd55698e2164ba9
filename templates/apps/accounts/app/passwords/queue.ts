import { Refusal } from '../refusal.ts';

/** How many hashes run at the same time in this process. Each needs memory, and one of the four threads of Node.js. */
const atOnce = 2;
/** How many more can wait. A hash takes about 0.3 s, so the last one waits for 3 s. */
const waitingLimit = 20;
const retrySeconds = 5;

let running = 0;
const waiting: (() => void)[] = [];

/**
 * Limits how much CPU-intensive work runs at the same time, so that the server keeps serving other pages.
 * @throws Refusal 503 when too many calls are waiting
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
