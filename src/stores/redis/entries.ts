import type { Connection } from './connection.ts';

/** A range of a sorted set, as ZRANGEBYLEX takes it. */
export interface Range {
  from: string;
  to: string;
}

const pageSize = 100;

/** The entries of several sorted sets, in one order, a page of each at a time. */
export async function* mergeEntries(connection: Connection, indexes: string[], range: Range): AsyncGenerator<string> {
  const walks = await Promise.all(indexes.map((index) => Walk.start(connection, index, range)));
  for (;;) {
    const first = walks.reduce((a, b) => (a.isBefore(b) ? a : b));
    if (first.head === undefined) return;
    yield first.head;
    await first.advance();
  }
}

/** The entries of one sorted set. What is added or removed meanwhile moves none of the others out of the way. */
class Walk {
  readonly #connection: Connection;
  readonly #index: string;
  readonly #range: Range;
  #page: string[] = [];
  #position = 0;

  private constructor(connection: Connection, index: string, range: Range) {
    this.#connection = connection;
    this.#index = index;
    this.#range = range;
  }

  static async start(connection: Connection, index: string, range: Range): Promise<Walk> {
    const walk = new Walk(connection, index, range);
    await walk.#turn(range.from);
    return walk;
  }

  /** Undefined at the end. */
  get head(): string | undefined {
    return this.#page[this.#position];
  }

  isBefore({ head }: Walk): boolean {
    return this.head !== undefined && (head === undefined || this.head < head);
  }

  async advance(): Promise<void> {
    const { head } = this;
    this.#position += 1;
    if (this.#position === pageSize) await this.#turn(`(${head}`);
  }

  async #turn(from: string): Promise<void> {
    this.#page = await readEntries(this.#connection, this.#index, { ...this.#range, from }, pageSize);
    this.#position = 0;
  }
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
