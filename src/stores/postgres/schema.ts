import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { PoolClient } from 'pg';
import type { TimedQuery } from './connections.ts';
import { isDenied, PostgresFailure } from './failure.ts';
import { type DatabaseRole, hasRights, mayNotMake, mayNotUse, tables } from './rights.ts';

/** The version of the tables that the statements need. `schema-<n>.sql` upgrades version n - 1 to version n. */
const knownVersion = 1;

/** The id of the advisory lock for creating tables. All servers must use the same number. */
const lockId = 7_365_737_361;
const migrationMs = 60_000;

interface Database extends DatabaseRole {
  encoding: string;
  isReadOnly: boolean;
}

/**
 * Creates or upgrades the tables. Several servers may do this at the same time.
 * @throws PostgresFailure when the tables cannot be used, with the reason and the remedy
 */
export async function prepareSchema(client: PoolClient): Promise<void> {
  const database = await inspect(client);
  verifyDatabase(database);
  try {
    if ((await readVersion(client)) < knownVersion) await migrate(client, database);
    verifyVersion(await readVersion(client));
    if (await hasRights(client)) return;
  } catch (error) {
    if (!isDenied(error)) throw error;
  }
  throw mayNotUse(database);
}

async function inspect(client: PoolClient): Promise<Database> {
  const { rows } = await client.query<Database>(`
    SELECT current_user AS role, current_schema() AS schema, getdatabaseencoding() AS encoding,
      current_setting('search_path') AS "searchPath",
      current_setting('transaction_read_only') = 'on' AS "isReadOnly"`);
  return rows[0] as Database;
}

function verifyDatabase({ encoding, isReadOnly }: Database): void {
  if (isReadOnly) throw new PostgresFailure('the database is read-only; use the address of the primary server');
  if (encoding === 'UTF8') return;
  const remedy = `create a database in UTF-8: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`;
  throw new PostgresFailure(`the database's encoding is ${encoding}; ${remedy}`);
}

/** 0: tables are missing. For example, an administrator may have dropped the table of sessions to end all of them. */
async function readVersion(client: PoolClient): Promise<number> {
  const { rows } = await client.query<{ name: string }>(
    // Do not use to_regclass: within a transaction, it may cache that a table does not exist.
    'SELECT relname AS name FROM pg_class WHERE relname = ANY ($1) AND pg_table_is_visible(oid)',
    [[...tables, 'sessapp_schema']],
  );
  const there = rows.map(({ name }) => name);
  if (!there.includes('sessapp_schema')) return 0;
  const found = await client.query<{ version: number | null }>('SELECT max(version) AS version FROM sessapp_schema');
  const version = found.rows[0]?.version ?? 0;
  return version === knownVersion && tables.some((name) => !there.includes(name)) ? 0 : version;
}

// If a statement fails, the caller closes the connection, which rolls back the transaction.
async function migrate(client: PoolClient, database: Database): Promise<void> {
  try {
    await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
    await client.query(`SET LOCAL statement_timeout = ${migrationMs}`);
    await client.query(atLength(`SELECT pg_advisory_xact_lock(${lockId})`));
    // Another server may have created the tables meanwhile.
    for (let version = (await readVersion(client)) + 1; version <= knownVersion; version += 1) {
      await client.query(atLength(await readFile(fileOf(version), 'utf8')));
    }
    await client.query('COMMIT');
  } catch (error) {
    throw isDenied(error) ? mayNotMake(database, fileOf(knownVersion)) : error;
  }
}

function fileOf(version: number): string {
  return fileURLToPath(new URL(`schema-${version}.sql`, import.meta.url));
}

function atLength(text: string): TimedQuery {
  return { text, query_timeout: migrationMs };
}

function verifyVersion(version: number): void {
  if (version <= knownVersion) return;
  const fact = `a newer sessapp created the tables: they have version ${version}, and this environment supports ${knownVersion}`;
  const remedy = 'run sessapp upgrade with the newer sessapp in this environment, or use another database';
  throw new PostgresFailure(`${fact}; ${remedy}`);
}
