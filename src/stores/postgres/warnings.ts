import type { Database } from './database.ts';
import type { Statement } from './statements.ts';

/** Settings that are `on` by default, and the event that can lose sessions when they are off. */
const safeguards = [
  ['fsync', 'its machine stops'],
  ['full_page_writes', 'its machine stops'],
  ['synchronous_commit', 'it stops unexpectedly'],
] as const;

interface Settings extends Record<(typeof safeguards)[number][0], string> {
  statement_timeout: string;
  isUnlogged: boolean;
}

const settings: Statement = {
  name: 'sessapp_settings',
  isRepeatable: true,
  text: `SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('statement_timeout') AS statement_timeout, relpersistence = 'u' AS "isUnlogged"
  FROM pg_class WHERE oid = to_regclass('sessapp_sessions')`,
};

/** Settings of the server that can lose sessions, each with a remedy. */
export async function findWarnings(database: Database): Promise<string[]> {
  const { rows } = await database.run<Settings>(settings, []);
  const found = rows[0] as Settings;
  const lost = 'stored sessions can be lost when';
  const off = safeguards.filter(([name]) => found[name] === 'off');
  const warnings = off.map(([name, when]) => `${name} is off in PostgreSQL: ${lost} ${when}. Set ${name} = on.`);
  if (found.isUnlogged)
    warnings.push(
      `The table of sessions is unlogged: ${lost} PostgreSQL stops unexpectedly. Run: ALTER TABLE sessapp_sessions SET LOGGED.`,
    );
  if (database.isPooled && found.statement_timeout === '0')
    warnings.push(
      'Behind a pooler, the server does not cancel a hanging statement. Run: ALTER ROLE … SET statement_timeout = 1000.',
    );
  return warnings;
}
