import type { Store } from 'express-session';
import type { Driver, ListQuery, StoredRecord } from './driver.ts';
import { CannotList } from './errors.ts';
import { call } from './express-call.ts';
import { identifiedKeyOf } from './session-key.ts';

/** Whether an express-session store has a method to list sessions. Only a call shows whether its `all` returns their ids. */
export function canList(store: Store & { ids?: unknown }): boolean {
  return typeof store.ids === 'function' || typeof store.all === 'function';
}

/** The ids of all sessions of an express-session store. @throws CannotList */
export async function idsOf(store: Store & { ids?: unknown }): Promise<string[]> {
  if (typeof store.ids === 'function')
    return call<string[]>((finish) => (store.ids as (f: typeof finish) => void)(finish));
  if (!store.all) throw new CannotList();
  const found = (await call<object>((finish) => store.all?.(finish as never))) ?? {};
  if (!Array.isArray(found)) return Object.keys(found);
  const ids = found.map(({ id }: { id?: unknown }) => id);
  if (ids.every((id) => typeof id === 'string')) return ids;
  throw new CannotList();
}

/** The records of an express-session store. @throws CannotList */
export async function* list(store: Store, read: Driver['read'], query: ListQuery): AsyncGenerator<StoredRecord> {
  let left = query.limit ?? Number.POSITIVE_INFINITY;
  for (const id of await idsOf(store)) {
    const record = await read(identifiedKeyOf(id));
    if (!record || !isMeant(record, query)) continue;
    if (left <= 0) return;
    left -= 1;
    yield record;
  }
}

function isMeant({ key, owner, expiresAtMs }: StoredRecord, query: ListQuery): boolean {
  const { prefix = '', expiresBeforeMs = Number.POSITIVE_INFINITY } = query;
  return (
    key.startsWith(prefix) && expiresAtMs < expiresBeforeMs && (query.owner === undefined || query.owner === owner)
  );
}
