import { inBatches } from '../../stores/batches.ts';
import type { LiveSession, Records } from './records.ts';

/** How many sessions are ended at once: no request waits long for them. */
const batchSize = 100;
/** After so many rounds all sessions left were created since the first: new visitors never stop coming. */
const rounds = 10;

/**
 * Ends all sessions, or those of an owner, also those that begin meanwhile.
 * @param isMeant which of them; without it, all
 * @returns how many
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
