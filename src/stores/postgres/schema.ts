import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { PoolClient } from 'pg';
import type { TimedQuery } from './connections.ts';
import { isDenied, PostgresFailure } from './failure.ts';
import { type DatabaseRole, hasRights, mayNotMake, mayNotUse, tables } from './rights.ts';

/** The version of the tables that the statements are written for; `schema-<n>.sql` makes one of the one before. */
const knownVersion = 1;

/** Any number, the same everywhere: who holds it makes tables. */
const lockId = 7_365_737_361;
const migrationMs = 60_000;

interface Database extends DatabaseRole {
  encoding: string;
  isReadOnly: boolean;
}

/**
 * Makes the tables, or brings them up to date, also when several servers do so at once.
 * @throws PostgresFailure when they cannot be used: why, and what to do
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
  if (isReadOnly) throw new PostgresFailure('the database is read-only; STORE_URL is to name the primary server');
  if (encoding === 'UTF8') return;
  const remedy = `make one that has every character: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`;
  throw new PostgresFailure(`the database's encoding is ${encoding}; ${remedy}`);
}

/** 0: there are no tables, or not all of them: who wants to end every session may have dropped the one that holds them. */
async function readVersion(client: PoolClient): Promise<number> {
  const { rows } = await client.query<{ name: string }>(
    // to_regclass may remember, for the rest of a transaction, that there was none.
    'SELECT relname AS name FROM pg_class WHERE relname = ANY ($1) AND pg_table_is_visible(oid)',
    [[...tables, 'sessapp_schema']],
  );
  const there = rows.map(({ name }) => name);
  if (!there.includes('sessapp_schema')) return 0;
  const found = await client.query<{ version: number | null }>('SELECT max(version) AS version FROM sessapp_schema');
  const version = found.rows[0]?.version ?? 0;
  return version === knownVersion && tables.some((name) => !there.includes(name)) ? 0 : version;
}

// The caller closes a connection on which something failed, which undoes all of it.
async function migrate(client: PoolClient, database: Database): Promise<void> {
  try {
    await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
    await client.query(`SET LOCAL statement_timeout = ${migrationMs}`);
    await client.query(atLength(`SELECT pg_advisory_xact_lock(${lockId})`));
    // Another server may have done it meanwhile.
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
  const fact = `a newer sessapp made the tables: they are of version ${version}, and this environment knows ${knownVersion}`;
  const remedy = 'with that sessapp type: sessapp upgrade in this environment, or give it a database of its own';
  throw new PostgresFailure(`${fact}; ${remedy}`);
}
