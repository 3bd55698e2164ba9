import type { Driver, ListQuery, StoredRecord } from '../stores/driver.ts';
import { isEnd, unseal } from './moved-record.ts';

/**
 * The sessions of two stores while they move from one to the other, each as it is now. First come those that the old one
 * still knows of; each part is in the order that the query asks for.
 */
export async function* listBoth(
  from: Driver,
  to: Driver,
  { limit = Number.POSITIVE_INFINITY, ...query }: ListQuery,
): AsyncGenerator<StoredRecord> {
  let left = limit;
  for await (const record of listAll(from, to, query)) {
    if (left <= 0) return;
    left -= 1;
    yield record;
  }
}

// The old store first, and all of it: what leaves it meanwhile is in the new one by then.
async function* listAll(from: Driver, to: Driver, query: ListQuery): AsyncGenerator<StoredRecord> {
  for await (const record of from.list(query)) {
    if (isEnd(record)) continue;
    const moved = await to.read(record.key);
    if (!moved) yield unseal(record);
    else if (!isEnd(moved)) yield moved;
  }
  for await (const record of to.list(query)) {
    if (!isEnd(record) && !(await from.read(record.key))) yield record;
  }
}
