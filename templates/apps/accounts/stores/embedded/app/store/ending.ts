import type { Database, Table } from 'sessapp/stores/embedded';

export interface Ending<Value> {
  value: Value;
  endsAtMs: number;
}

/** How many values that have ended a write removes. */
const sweepCount = 10;

/** Values that end at some time: they count as gone from then on, and later writes remove them. */
export class EndingValues<Value> {
  readonly #values: Table<Ending<Value>>;
  readonly #byEnd: Table<string>;

  constructor(database: Database, name: 'tokens' | 'counts') {
    this.#values = database.table(name);
    this.#byEnd = database.table(`${name}-by-end`);
  }

  get(key: string): Ending<Value> | undefined {
    const found = this.#values.get(key);
    return found && found.endsAtMs > Date.now() ? found : undefined;
  }

  /** Within a write. */
  put(key: string, value: Value, endsAtMs: number): void {
    this.remove(key);
    this.#sweep();
    this.#values.put(key, { value, endsAtMs });
    this.#byEnd.put(indexKey(endsAtMs, key), key);
  }

  /** Within a write. */
  remove(key: string): void {
    const found = this.#values.get(key);
    if (!found) return;
    this.#values.remove(key);
    this.#byEnd.remove(indexKey(found.endsAtMs, key));
  }

  #sweep(): void {
    for (const entry of this.#byEnd.keys({ end: indexKey(Date.now(), ''), limit: sweepCount })) {
      const key = this.#byEnd.get(entry);
      if (key !== undefined) this.remove(key);
    }
  }
}

function indexKey(ms: number, key: string): string {
  return `${String(ms).padStart(16, '0')} ${key}`;
}
