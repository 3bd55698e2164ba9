import { UserError } from '../../errors.ts';
import type { Store } from './store.ts';
import type { SessionSummary } from './store-calls.ts';

/** How many are ended, or deleted, at once: a batch is over before a request has waited long. */
const batchSize = 500;
/** New visitors come all the time: after so many rounds, what is left was not there at the start. */
const rounds = 10;

/**
 * Ends all sessions, or all of one owner, those too that are made meanwhile.
 * @returns how many of them had not expired
 * @throws Interrupted, or what went wrong, with how many were ended before
 */
export async function endSessions(
  store: Store,
  owner: string | undefined,
  nowMs: number,
  signal: AbortSignal,
): Promise<number> {
  const query = owner === undefined ? { prefix: '' } : { owner };
  let ended = 0;
  const endRound = async (): Promise<boolean> => {
    let isEmpty = true;
    for await (const batch of batchesOf(store.list(query))) {
      signal.throwIfAborted();
      await store.delete(...batch.map(({ key }) => key));
      ended += batch.filter(({ expiresAtMs = Number.POSITIVE_INFINITY }) => expiresAtMs > nowMs).length;
      isEmpty = false;
    }
    return isEmpty;
  };
  return withProgress(
    () => `${ended} sessions were ended before.`,
    async () => {
      for (let round = 1; !(await endRound()); round += 1) if (owner === undefined && round === rounds) break;
      return ended;
    },
  );
}

/**
 * Deletes what has expired.
 * @returns how many records
 * @throws Interrupted, or what went wrong, with how many were deleted before
 */
export async function pruneSessions(store: Store, nowMs: number, signal: AbortSignal): Promise<number> {
  let deleted = 0;
  return withProgress(
    () => `${deleted} were deleted before.`,
    async () => {
      for (;;) {
        signal.throwIfAborted();
        const count = await store.prune(nowMs, batchSize);
        deleted += count;
        if (count === 0) return deleted;
      }
    },
  );
}

async function* batchesOf(sessions: AsyncIterable<SessionSummary>): AsyncGenerator<SessionSummary[]> {
  let batch: SessionSummary[] = [];
  for await (const session of sessions) {
    batch.push(session);
    if (batch.length < batchSize) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function withProgress<T>(progress: () => string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UserError) error.message += ` ${progress()}`;
    throw error;
  }
}
