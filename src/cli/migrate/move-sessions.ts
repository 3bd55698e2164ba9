import { UserError } from '../../errors.ts';
import type { Store } from '../admin/store.ts';
import type { MoveStep } from './store-move.ts';

export interface MoveOptions {
  /** Aborted when a signal stops the command. */
  signal: AbortSignal;
  /** Called with a description of each step. */
  step(name: string): void;
}

/** After this many verifications that all find missing sessions, we know that the new store loses data. */
const verifications = 3;

/**
 * Copies every session of the old store to the new one, verifies the copies, and clears the old store.
 * @throws UserError when the new store loses data, Interrupted when `signal` aborts
 */
export async function moveSessions(store: Store, options: MoveOptions): Promise<void> {
  const total = (await store.tally(0)).live;
  await walk(store, 'copy', 'Copying', total, options);
  for (let attempt = 1; ; attempt += 1) {
    const { changed } = await walk(store, 'verify', 'Verifying', total, options);
    if (changed === 0) break;
    if (attempt === verifications) throw lossy(changed);
  }
  // Repeat until the old store is empty, so that a process that knows only the new store misses nothing.
  while ((await walk(store, 'clear', 'Clearing the old store', total, options)).records > 0);
}

function lossy(missing: number): UserError {
  return new UserError(
    'store-lossy',
    `The new store loses data: ${missing} sessions were missing or different after they had been stored.`,
    'Check its configuration and its log (is it full?), then run the same command again.',
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
