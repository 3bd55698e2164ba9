import { UserError } from '../../errors.ts';
import type { Store } from '../admin/store.ts';
import type { MoveStep } from './store-move.ts';

export interface MoveOptions {
  /** Aborted when a signal asks the command to stop. */
  signal: AbortSignal;
  /** Is told what is being done. */
  step(name: string): void;
}

/** Who verifies again and again that something is missing in the new store is to know that it loses what it is given. */
const verifications = 3;

/**
 * Brings every session of the old store to the new one, makes sure that it is there, and clears the old one.
 * @throws UserError when the new store loses what it is given, Interrupted when a signal says so
 */
export async function moveSessions(store: Store, options: MoveOptions): Promise<void> {
  const total = (await store.tally(0)).live;
  await walk(store, 'copy', 'Copying', total, options);
  for (let attempt = 1; ; attempt += 1) {
    const { changed } = await walk(store, 'verify', 'Verifying', total, options);
    if (changed === 0) break;
    if (attempt === verifications) throw lossy(changed);
  }
  // Until nothing is found there: a process that knows the new store only need not look.
  while ((await walk(store, 'clear', 'Clearing the old store', total, options)).records > 0);
}

function lossy(missing: number): UserError {
  return new UserError(
    'store-lossy',
    `The new store does not keep what it is given: ${missing} sessions were not as they were stored.`,
    'Look at its configuration and its log (is it full?), then run the same command again.',
  );
}

async function walk(
  store: Store,
  step: MoveStep,
  title: string,
  total: number,
  { signal, step: tell }: MoveOptions,
): Promise<{ records: number; changed: number }> {
  const sum = { records: 0, changed: 0 };
  let told = -1;
  tell(title);
  for await (const { records, changed } of store.walkMove(step)) {
    signal.throwIfAborted();
    sum.records += records;
    sum.changed += changed;
    const tenths = Math.min(10, Math.floor((10 * sum.records) / Math.max(total, 1)));
    if (tenths > told) tell(`${title}: ${sum.records} of ${Math.max(total, sum.records)}`);
    told = tenths;
  }
  return sum;
}
