import type { QueryResult, QueryResultRow } from 'pg';
import type { Address } from './address.ts';
import { Connections, type TimedQuery } from './connections.ts';
import { explain, isConflict, isConnectionLost, isTimeout, isUnprepared, PostgresFailure } from './failure.ts';
import { Preparation } from './preparation.ts';
import { prepareSchema } from './schema.ts';
import type { Statement } from './statements.ts';

/** How long a call may take: slightly less than the deadline of the session layer. */
const callMs = 1900;
const attemptLimit = 3;

/** A PostgreSQL server that may be unavailable. Each call has a timeout, and calls succeed again when the server is back. */
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
   * Runs a statement. If it fails and a retry is safe, it runs again.
   * @throws PostgresFailure also when the connection broke and it is unknown whether a change was stored
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
        // After a timeout, no time is left. Check for it too, because its timer may fire slightly before the deadline.
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
    return new PostgresFailure(`${failure.message}; it is unknown whether the change was stored`, failure.code);
  }
}

// Behind a pooler, use no prepared statement: its name may be unknown on the next connection.
function toQuery({ name, text }: Statement, values: unknown[], isDirect: boolean, leftMs: number): TimedQuery {
  return { text, values, ...(isDirect && { name }), query_timeout: Math.max(1, leftMs) };
}

function mayRepeat({ isRepeatable }: Statement, error: unknown): boolean {
  return isConflict(error) || (isRepeatable && isConnectionLost(error));
}
