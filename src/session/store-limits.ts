import { MemoryStore, type Store } from 'express-session';
import type { Log } from '../stores/driver.ts';
import { canList } from '../stores/express-list.ts';

const reported = new WeakSet<Store>();

/** Says once for each express-session store what it cannot promise. */
export function reportLimits(store: Store, log: Log): void {
  if (reported.has(store)) return;
  reported.add(store);
  log.warn({}, `${store.constructor.name} is an express-session store: ${limitsOf(store).join('; ')}`);
}

function limitsOf(store: Store): string[] {
  return [
    'requests in several processes can lose changes of each other, or bring back a session that another one ended',
    ...(canList(store) ? [] : ['it cannot list the sessions of a user, nor end them']),
    ...(store instanceof MemoryStore ? ['it keeps sessions in memory, and a restart ends them'] : []),
  ];
}
