import { escapeIdentifier, type PoolClient } from 'pg';
import { PostgresFailure } from './failure.ts';

/** The driver's role in the database, and the schema of its tables. */
export interface DatabaseRole {
  role: string;
  /** Null: no schema of the search path exists. */
  schema: string | null;
  searchPath: string;
}

/** The tables that the statements use, except the table with the version. */
export const tables = ['sessapp_sessions', 'sessapp_sessions_aside'];
const rights = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'];

export async function hasRights(client: PoolClient): Promise<boolean> {
  const { rows } = await client.query<{ has: boolean }>(
    `SELECT bool_and(has_table_privilege(name, privilege)) AS has
    FROM unnest($1::text[]) AS name, unnest($2::text[]) AS privilege`,
    [tables, rights],
  );
  return rows[0]?.has ?? false;
}

export function mayNotUse(database: DatabaseRole): PostgresFailure {
  return mayNot('use', database, grantTables(database));
}

/** @param file the SQL file that creates the tables, for a role that may run it */
export function mayNotMake(database: DatabaseRole, file: string): PostgresFailure {
  const role = escapeIdentifier(database.role);
  const schema = nameSchema(database);
  const create = database.schema === null ? `CREATE SCHEMA IF NOT EXISTS ${schema}; ` : '';
  const grant = `${create}GRANT USAGE, CREATE ON SCHEMA ${schema} TO ${role}`;
  return mayNot('make', database, `${grant}; or, in that schema, ${file} and then: ${grantTables(database)}`);
}

function mayNot(verb: string, { role }: DatabaseRole, remedy: string): PostgresFailure {
  const fact = `the role ${escapeIdentifier(role)} may not ${verb} the tables for sessions`;
  return new PostgresFailure(`${fact}; ask the owner of the database to run: ${remedy}`);
}

function grantTables(database: DatabaseRole): string {
  const role = escapeIdentifier(database.role);
  const schema = nameSchema(database);
  const used = tables.map((name) => `${schema}.${name}`).join(', ');
  const use = `GRANT USAGE ON SCHEMA ${schema} TO ${role}; GRANT ${rights.join(', ')} ON ${used} TO ${role}`;
  return `${use}; GRANT SELECT ON ${schema}.sessapp_schema TO ${role}`;
}

// Use the last schema of the search path ("$user", public): this schema usually exists.
function nameSchema({ schema, searchPath }: DatabaseRole): string {
  const last = searchPath.split(',').at(-1) ?? '';
  return escapeIdentifier(schema ?? last.trim().replace(/^"(.*)"$/, '$1'));
}
