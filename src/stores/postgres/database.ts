import type { QueryResult, QueryResultRow } from 'pg';
import type { Address } from './address.ts';
import { Connections, type TimedQuery } from './connections.ts';
import { explain, isConflict, isConnectionLost, isTimeout, isUnprepared, PostgresFailure } from './failure.ts';
import { Preparation } from './preparation.ts';
import { prepareSchema } from './schema.ts';
import type { Statement } from './statements.ts';

/** How long a call may take: a little less than the session layer waits for it. */
const callMs = 1900;
const attemptLimit = 3;

/** A PostgreSQL that may be away: each call ends in time, and calls work again as soon as the server does. */
export class Database {
  readonly #serverName: string;
  readonly #connections: Connections;
  readonly #preparation: Preparation;

  constructor(address: Address) {
    this.#serverName = address.serverName;
    this.#connections = new Connections(address);
    this.#preparation = new Preparation(() => this.#prepare());
  }

  get isPooled(): boolean {
    return this.#connections.isPooled;
  }

  /**
   * Runs a statement; when it failed, and that is safe, again.
   * @throws PostgresFailure also when the connection broke, and nobody knows whether a change was stored
   */
  async run<Row extends QueryResultRow>(statement: Statement, values: unknown[]): Promise<QueryResult<Row>> {
    const deadlineMs = performance.now() + callMs;
    await this.#preparation.verify(callMs);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#connections.use((client, isDirect) => {
          const query = toQuery(statement, values, isDirect, deadlineMs - performance.now());
          return client.query<Row>(query);
        });
      } catch (error) {
        if (isUnprepared(error)) this.#preparation.restart();
        // Silence took all of the time; a timer may tell of it a moment early by this clock.
        const isLast = attempt === attemptLimit || isTimeout(error) || performance.now() >= deadlineMs;
        if (isLast || !mayRepeat(statement, error)) throw this.#toFailure(statement, error);
      }
    }
  }

  close(): Promise<void> {
    this.#preparation.stop();
    return this.#connections.close();
  }

  async #prepare(): Promise<void> {
    try {
      await this.#connections.use(prepareSchema);
    } catch (error) {
      throw explain(error, this.#serverName);
    }
  }

  #toFailure({ isRepeatable }: Statement, error: unknown): PostgresFailure {
    const failure = explain(error, this.#serverName);
    if (isRepeatable || !isConnectionLost(error)) return failure;
    return new PostgresFailure(`${failure.message}; nobody knows whether the change was stored`, failure.code);
  }
}

// A pooler may not know, on its next connection, a statement that was prepared by its name on another.
function toQuery({ name, text }: Statement, values: unknown[], isDirect: boolean, leftMs: number): TimedQuery {
  return { text, values, ...(isDirect && { name }), query_timeout: Math.max(1, leftMs) };
}

function mayRepeat({ isRepeatable }: Statement, error: unknown): boolean {
  return isConflict(error) || (isRepeatable && isConnectionLost(error));
}
