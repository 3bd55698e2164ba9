import { UserError } from '../../errors.ts';
import { inBatches } from '../../stores/batches.ts';
import type { Store } from './store.ts';

/** How many sessions are ended or deleted at once. A larger batch would delay requests. */
const batchSize = 500;
/** New visitors never stop coming, so stop after this many rounds. All remaining sessions are newer than the start. */
const rounds = 10;

/**
 * Ends all sessions, or all sessions of one owner, including sessions that are created in the meantime.
 * @returns how many of them were live
 * @throws Interrupted or another UserError; its message says how many sessions had been ended
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
    for await (const batch of inBatches(store.list(query), batchSize)) {
      signal.throwIfAborted();
      await store.delete(...batch.map(({ key }) => key));
      ended += batch.filter(({ expiresAtMs = Number.POSITIVE_INFINITY }) => expiresAtMs > nowMs).length;
      isEmpty = false;
    }
    return isEmpty;
  };
  return withProgress(
    () => `Before that, ${ended} sessions were ended.`,
    async () => {
      for (let round = 1; !(await endRound()); round += 1) if (owner === undefined && round === rounds) break;
      return ended;
    },
  );
}

/**
 * Deletes expired records.
 * @returns how many
 * @throws Interrupted or another UserError; its message says how many records had been deleted
 */
export async function pruneSessions(store: Store, nowMs: number, signal: AbortSignal): Promise<number> {
  let deleted = 0;
  return withProgress(
    () => `Before that, ${deleted} expired sessions were deleted.`,
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

async function withProgress<T>(progress: () => string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UserError) error.message += ` ${progress()}`;
    throw error;
  }
}
