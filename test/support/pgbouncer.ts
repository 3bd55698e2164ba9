import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { onTestFinished } from 'vitest';
import { missingPostgres, type Postgres, role } from './postgres.ts';
import { waitFor } from './server.ts';
import { asServerUser, createServerDirectory, findFreePort, findProgram, whyMissing } from './server-programs.ts';

/** Why PgBouncer is not available. Undefined when it is. */
export const missingPgbouncer = missingPostgres ?? whyMissing('pgbouncer');

/** Starts a PgBouncer in transaction mode in front of a server, until the test ends. Returns its port. */
export async function startPgbouncer(server: Postgres): Promise<number> {
  const directory = createServerDirectory('pgbouncer');
  const port = await findFreePort();
  const settings = [
    '[databases]',
    `sessions = host=127.0.0.1 port=${server.port}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = scram-sha-256',
    `auth_file = ${join(directory, 'users')}`,
    'pool_mode = transaction',
    // Fewer connections than the clients have, so that they share.
    'default_pool_size = 3',
  ];
  await writeFile(join(directory, 'pgbouncer.ini'), `${settings.join('\n')}\n`);
  await writeFile(join(directory, 'users'), `"${role.name}" "${role.password}"\n`);
  const args = ['-q', join(directory, 'pgbouncer.ini')];
  const child = spawn(findProgram('pgbouncer'), args, { ...asServerUser(), stdio: 'ignore' });
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
    await rm(directory, { recursive: true, force: true });
  });
  await waitFor(() => isListening(port));
  return port;
}

async function isListening(port: number): Promise<boolean> {
  const client = new Client({
    host: '127.0.0.1',
    port,
    user: role.name,
    password: role.password,
    database: 'sessions',
  });
  return client.connect().then(
    () => client.end().then(() => true),
    () => false,
  );
}
