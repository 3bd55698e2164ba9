import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, chownSync, constants, mkdtempSync, readdirSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** The programs that are missing, as a reason to skip a test. Undefined when all are installed. */
export function whyMissing(...programs: string[]): string | undefined {
  const missing = programs.filter((name) => !candidatePaths(name).some(isExecutable));
  return missing.length > 0 ? `${missing.join(', ')} not installed` : undefined;
}

/** The path of a program of a database server. */
export function findProgram(name: string): string {
  return candidatePaths(name).find(isExecutable) ?? name;
}

// Debian does not put PostgreSQL's programs on the PATH.
function candidatePaths(name: string): string[] {
  const packages = '/usr/lib/postgresql';
  const versions = list(packages).sort((a, b) => Number(b) - Number(a));
  const folders = versions.map((version) => join(packages, version, 'bin'));
  return [...(process.env.PATH ?? '').split(delimiter), ...folders, '/usr/sbin'].map((folder) => join(folder, name));
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Options of `spawn` for a server that refuses to run as root: it runs as another user. */
export function asServerUser(): { uid?: number; gid?: number; cwd: string } {
  if (process.getuid?.() !== 0) return { cwd: tmpdir() };
  const idOf = (flag: string): number => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: idOf('-u'), gid: idOf('-g'), cwd: tmpdir() };
}

/** A directory that belongs to that user. */
export function createServerDirectory(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `sessapp-${name}-`));
  const { uid, gid } = asServerUser();
  if (uid !== undefined && gid !== undefined) chownSync(directory, uid, gid);
  return directory;
}

export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
