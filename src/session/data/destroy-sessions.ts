import { inBatches } from '../../stores/batches.ts';
import type { LiveSession, Records } from './records.ts';

/** How many sessions are destroyed at once. The limit keeps requests from waiting long. */
const batchSize = 100;
/** Stop after this many rounds: new visitors could keep the loop running. All sessions left are newer than the first round. */
const rounds = 10;

/**
 * Destroys all sessions, or the sessions of one owner, including sessions that are created meanwhile.
 * @param isMeant selects the sessions to destroy; by default all
 * @returns how many sessions were destroyed
 */
export async function destroySessions(
  records: Records,
  owner?: string,
  isMeant = (_: LiveSession): boolean => true,
): Promise<number> {
  let destroyed = 0;
  for (let round = 1, before = -1; destroyed > before && round <= rounds; round += 1) {
    before = destroyed;
    for await (const batch of inBatches(records.list(owner), batchSize)) {
      const meant = batch.filter(isMeant);
      await Promise.all(meant.map(({ record }) => records.delete(record.key)));
      destroyed += meant.length;
    }
  }
  return destroyed;
}
