import type { Database } from './database.ts';
import type { Statement } from './statements.ts';

interface Settings {
  fsync: string;
  fullPageWrites: string;
  synchronousCommit: string;
  statementTimeout: string;
  isUnlogged: boolean;
}

const settings: Statement = {
  name: 'sessapp_settings',
  isRepeatable: true,
  text: `SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS "fullPageWrites",
    current_setting('synchronous_commit') AS "synchronousCommit",
    current_setting('statement_timeout') AS "statementTimeout", relpersistence = 'u' AS "isUnlogged"
  FROM pg_class WHERE oid = to_regclass('sessapp_sessions')`,
};

/** What of the server's configuration could cost a session, each a sentence with what to do. */
export async function findWarnings(database: Database): Promise<string[]> {
  const { rows } = await database.run<Settings>(settings, []);
  const found = rows[0] as Settings;
  const lost = 'sessions that were stored can be lost when';
  const warnings: [boolean, string][] = [
    [found.fsync === 'off', `fsync is off in PostgreSQL: ${lost} its machine stops. Set fsync = on.`],
    [
      found.fullPageWrites === 'off',
      `full_page_writes is off in PostgreSQL: ${lost} its machine stops. Set full_page_writes = on.`,
    ],
    [
      found.synchronousCommit === 'off',
      `synchronous_commit is off in PostgreSQL: ${lost} it stops unexpectedly. Set synchronous_commit = on.`,
    ],
    [
      found.isUnlogged,
      `The table of sessions is unlogged: ${lost} PostgreSQL stops unexpectedly. ALTER TABLE sessapp_sessions SET LOGGED.`,
    ],
    [
      database.isPooled && found.statementTimeout === '0',
      'Behind a pooler a statement that hangs is not ended by the server. ALTER ROLE … SET statement_timeout = 1000.',
    ],
  ];
  return warnings.filter(([isSo]) => isSo).map(([, text]) => text);
}
