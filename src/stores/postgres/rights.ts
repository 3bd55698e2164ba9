import { escapeIdentifier, type PoolClient } from 'pg';
import { PostgresFailure } from './failure.ts';

/** Who the driver is to the database, and where its tables are. */
export interface DatabaseRole {
  role: string;
  /** Null: the role sees none. */
  schema: string | null;
  searchPath: string;
}

/** What the statements use, beside the table that tells the version. */
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

/** @param file what makes the tables, for who may do so */
export function mayNotMake(database: DatabaseRole, file: string): PostgresFailure {
  const role = escapeIdentifier(database.role);
  const schema = nameSchema(database);
  const create = database.schema === null ? `CREATE SCHEMA IF NOT EXISTS ${schema}; ` : '';
  const grant = `${create}GRANT USAGE, CREATE ON SCHEMA ${schema} TO ${role}`;
  return mayNot('make', database, `${grant}; or, in that schema, ${file} and then: ${grantTables(database)}`);
}

function mayNot(verb: string, { role }: DatabaseRole, remedy: string): PostgresFailure {
  const fact = `the role ${escapeIdentifier(role)} may not ${verb} the tables for sessions`;
  return new PostgresFailure(`${fact}; let the owner of the database run: ${remedy}`);
}

function grantTables(database: DatabaseRole): string {
  const role = escapeIdentifier(database.role);
  const schema = nameSchema(database);
  const used = tables.map((name) => `${schema}.${name}`).join(', ');
  const use = `GRANT USAGE ON SCHEMA ${schema} TO ${role}; GRANT ${rights.join(', ')} ON ${used} TO ${role}`;
  return `${use}; GRANT SELECT ON ${schema}.sessapp_schema TO ${role}`;
}

// Of a search_path, the last one is meant to be there: "$user", public.
function nameSchema({ schema, searchPath }: DatabaseRole): string {
  const last = searchPath.split(',').at(-1) ?? '';
  return escapeIdentifier(schema ?? last.trim().replace(/^"(.*)"$/, '$1'));
}
