import type { Connection } from './connection.ts';

/** A range of a sorted set for ZRANGEBYLEX. */
export interface Range {
  from: string;
  to: string;
}

const pageSize = 100;

/** Merges the entries of several sorted sets in order. It reads one page of each set at a time. */
export async function* mergeEntries(connection: Connection, indexes: string[], range: Range): AsyncGenerator<string> {
  const walks = indexes.map((index) => walk(connection, index, range));
  const heads = await Promise.all(walks.map(nextOf));
  for (;;) {
    const first = heads.reduce<number>((best, head, at) => (isBefore(head, heads[best]) ? at : best), 0);
    const [head, source] = [heads[first], walks[first]];
    if (head === undefined || !source) return;
    yield head;
    heads[first] = await nextOf(source);
  }
}

/** The entries of one sorted set. Entries that are added or removed meanwhile do not affect the others. */
async function* walk(connection: Connection, index: string, { from, to }: Range): AsyncGenerator<string> {
  for (let start = from; ; ) {
    const page = await readEntries(connection, index, { from: start, to }, pageSize);
    yield* page;
    if (page.length < pageSize) return;
    start = `(${page.at(-1)}`;
  }
}

/** Undefined at the end. */
async function nextOf(entries: AsyncGenerator<string>): Promise<string | undefined> {
  return (await entries.next()).value;
}

function isBefore(head: string | undefined, other: string | undefined): boolean {
  return head !== undefined && (other === undefined || head < other);
}

export function readEntries(
  connection: Connection,
  index: string,
  { from, to }: Range,
  count: number,
): Promise<string[]> {
  return connection.run(from.length + to.length, (commands) =>
    commands.zRangeByLex(index, from, to, { LIMIT: { offset: 0, count } }),
  );
}
