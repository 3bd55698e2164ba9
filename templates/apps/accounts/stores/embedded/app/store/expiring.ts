import type { Database, Table } from 'sessapp/stores/embedded';

export interface Expiring<Value> {
  value: Value;
  endsAtMs: number;
}

/** How many expired values a write removes. */
const sweepCount = 10;

/** Values with an expiry time. Reads ignore an expired value, and later writes remove it. */
export class ExpiringValues<Value> {
  readonly #values: Table<Expiring<Value>>;
  readonly #byExpiry: Table<string>;

  constructor(database: Database, name: 'tokens' | 'counts') {
    this.#values = database.table(name);
    this.#byExpiry = database.table(`${name}-by-end`);
  }

  get(key: string): Expiring<Value> | undefined {
    const found = this.#values.get(key);
    return found && found.endsAtMs > Date.now() ? found : undefined;
  }

  /** Call this within a write. */
  put(key: string, value: Value, endsAtMs: number): void {
    this.remove(key);
    this.#sweep();
    this.#values.put(key, { value, endsAtMs });
    this.#byExpiry.put(indexKey(endsAtMs, key), key);
  }

  /** Call this within a write. */
  remove(key: string): void {
    const found = this.#values.get(key);
    if (!found) return;
    this.#values.remove(key);
    this.#byExpiry.remove(indexKey(found.endsAtMs, key));
  }

  #sweep(): void {
    for (const entry of this.#byExpiry.keys({ end: indexKey(Date.now(), ''), limit: sweepCount })) {
      const key = this.#byExpiry.get(entry);
      if (key !== undefined) this.remove(key);
    }
  }
}

function indexKey(ms: number, key: string): string {
  return `${String(ms).padStart(16, '0')} ${key}`;
}
