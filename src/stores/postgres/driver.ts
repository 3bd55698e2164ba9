import type { Driver, ListQuery, SessionRecord, StoredRecord } from '../driver.ts';
import { readAddress } from './address.ts';
import { Database } from './database.ts';
import { readPages } from './pages.ts';
import { type Row, toRecord, toValues } from './rows.ts';
import * as statements from './statements.ts';
import { findWarnings } from './warnings.ts';

/** Opens a PostgreSQL store. It connects and creates its tables in the background. */
export async function open(url: string, name: string): Promise<Driver> {
  return new PostgresDriver(new Database(readAddress(url)), name);
}

class PostgresDriver implements Driver {
  readonly #database: Database;
  readonly #environment: string;

  constructor(database: Database, environment: string) {
    this.#database = database;
    this.#environment = environment;
  }

  async read(key: string): Promise<StoredRecord | undefined> {
    const [row] = await this.#select(statements.read, [key]);
    return row && toRecord(row);
  }

  async create(key: string, record: SessionRecord, version = 1): Promise<boolean> {
    return (await this.#change(statements.create, [key, ...toValues(record), version])) === 1;
  }

  async update(key: string, version: number, record: SessionRecord): Promise<boolean> {
    return (await this.#change(statements.update, [key, ...toValues(record), version])) === 1;
  }

  async touch(key: string, version: number, seenAtMs: number, expiresAtMs: number): Promise<void> {
    await this.#change(statements.touch, [key, version, seenAtMs, expiresAtMs]);
  }

  async delete(key: string): Promise<void> {
    await this.#change(statements.remove, [key]);
  }

  async setAside(key: string): Promise<void> {
    await this.#change(statements.setAside, [key]);
  }

  async *list(query: ListQuery): AsyncIterable<StoredRecord> {
    const pages = readPages((statement, values) => this.#select(statement, values), query);
    for await (const row of pages) yield toRecord(row);
  }

  prune(nowMs: number, limit: number): Promise<number> {
    return this.#change(statements.prune, [nowMs, limit]);
  }

  async countSetAside(): Promise<number> {
    const { rows } = await this.#database.run<{ count: number }>(statements.countSetAside, [this.#environment]);
    return rows[0]?.count ?? 0;
  }

  async ping(): Promise<void> {
    await this.#select(statements.ping, []);
  }

  warnings(): Promise<string[]> {
    return findWarnings(this.#database);
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  async #select(statement: statements.Statement, values: unknown[]): Promise<Row[]> {
    return (await this.#database.run<Row>(statement, [this.#environment, ...values])).rows;
  }

  async #change(statement: statements.Statement, values: unknown[]): Promise<number> {
    return (await this.#database.run(statement, [this.#environment, ...values])).rowCount ?? 0;
  }
}
