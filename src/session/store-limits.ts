import { MemoryStore, type Store } from 'express-session';
import type { Log } from '../stores/driver.ts';
import { canList } from '../stores/express-list.ts';

const reported = new WeakSet<Store>();

/** Logs once for each express-session store what it cannot guarantee. */
export function reportLimits(store: Store, log: Log): void {
  if (reported.has(store)) return;
  reported.add(store);
  log.warn({}, `${store.constructor.name} is an express-session store: ${limitsOf(store).join('; ')}`);
}

function limitsOf(store: Store): string[] {
  return [
    "requests in different processes can lose each other's changes, or restore a session that another process destroyed",
    ...(canList(store) ? [] : ['it cannot list or end the sessions of a user']),
    ...(store instanceof MemoryStore ? ['it keeps sessions in memory, so a restart loses them'] : []),
  ];
}
