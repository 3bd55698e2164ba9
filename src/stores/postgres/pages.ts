import type { ListQuery } from '../driver.ts';
import { encodeOwner, type Row } from './rows.ts';
import { listByExpiry, listByKey, listByOwner, type Statement } from './statements.ts';

type Select = (statement: Statement, values: unknown[]) => Promise<Row[]>;

/** The number of rows of a page: few at first, and then about one megabyte of rows. */
const leastSize = 20;
const largestSize = 500;
const pageCharacters = 1_000_000;

interface Order {
  list(isBounded: boolean): Statement;
  start: string | number;
  isFixed: boolean;
}

/** Reads a list page by page. Each page begins after the last row of the previous page, so no cursor stays open. */
export async function* readPages(select: Select, query: ListQuery): AsyncGenerator<Row> {
  const { expiresBeforeMs, limit = Number.POSITIVE_INFINITY } = query;
  const bound = expiresBeforeMs === undefined ? [] : [expiresBeforeMs];
  const { list, start, isFixed } = chooseOrder(query);
  const statement = list(bound.length > 0);
  let after = [start, ''];
  let size = leastSize;
  let left = limit;
  while (left > 0) {
    const wanted = Math.min(size, left);
    const rows = await select(statement, [wanted, ...after, ...bound]);
    yield* rows;
    const last = rows.at(-1);
    if (!last || rows.length < wanted) return;
    left -= wanted;
    after = [isFixed ? start : last.expiresAtMs, last.key];
    size = chooseSize(rows);
  }
}

/** `start` is $3 of the first page's statement. If it is fixed, it is $3 of all pages; otherwise $3 is the last row's expiry. */
function chooseOrder({ owner, prefix }: ListQuery): Order {
  if (owner !== undefined) return { list: listByOwner, start: encodeOwner(owner), isFixed: true };
  if (prefix !== undefined) return { list: listByKey, start: prefix, isFixed: true };
  return { list: listByExpiry, start: Number.NEGATIVE_INFINITY, isFixed: false };
}

function chooseSize(rows: Row[]): number {
  const average = rows.reduce((sum, { data }) => sum + data.length, 0) / rows.length;
  return Math.max(leastSize, Math.min(largestSize, Math.floor(pageCharacters / average)));
}
