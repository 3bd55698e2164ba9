import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run, serverCore, start } from '../measure/processes.js';
import { freePort, stop, untilListening } from './start.js';

const versions = '/usr/lib/postgresql';

/** Finds a program of PostgreSQL. On Debian, some are not in PATH. */
export function postgresProgram(name) {
  const own = existsSync(versions) ? readdirSync(versions).map((version) => join(versions, version, 'bin')) : [];
  return [...(process.env.PATH ?? '').split(':'), ...own.sort().reverse()]
    .map((folder) => join(folder, name))
    .find(existsSync);
}

/** Starts a PostgreSQL for the benchmark, with its default configuration, on the server's processor. It syncs each commit. */
export async function startPostgres(workspace) {
  const port = await freePort();
  const home = workspace.path(`postgres-${port}`);
  const data = join(home, 'data');
  await mkdir(home);
  // PostgreSQL refuses to run as root, and its user needs access to its directory.
  const user = process.getuid() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {};
  if (user.uid !== undefined) {
    await chown(home, user.uid, user.gid);
    await chmod(dirname(home), 0o711);
  }
  await run(postgresProgram('initdb'), ['-D', data, '-U', 'bench', '-A', 'trust', '--encoding=UTF8'], {
    ...user,
    cwd: home,
  });
  const args = ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=`];
  const child = start('taskset', ['-c', serverCore(), postgresProgram('postgres'), ...args], {
    ...user,
    cwd: home,
    stdio: 'ignore',
  });
  await untilListening(port, child);
  return {
    url: `postgres://bench@127.0.0.1:${port}/postgres`,
    pid: child.pid,
    stop: () => stop(child, 'SIGINT'),
  };
}

function idOf(flag) {
  return Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
}
