import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../measure/processes.js';
import { peersDirectory } from '../servers/registry.js';

const folders = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'];

/** The Debian package of each program and of each Python module. */
const programs = {
  wrk: 'wrk',
  'redis-server': 'redis-server',
  gunicorn: 'gunicorn',
  virtualenv: 'virtualenv',
  taskset: 'util-linux',
};
const modules = { flask: 'python3-flask', ensurepip: 'python3-venv' };

/** The path of the system's own program: another Python in PATH does not have Debian's modules. */
export function systemProgram(name) {
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Installs the peers in their locked versions from the registry, unless they are already installed. */
export async function installPeers() {
  const installed = join(peersDirectory, 'node_modules', '.package-lock.json');
  const isCurrent =
    existsSync(installed) &&
    (await versionsOf(installed)) === (await versionsOf(join(peersDirectory, 'package-lock.json')));
  if (!isCurrent) await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: peersDirectory });
}

async function versionsOf(lockfile) {
  const { packages } = JSON.parse(await readFile(lockfile, 'utf8'));
  const entries = Object.entries(packages).filter(([path, { optional }]) => path !== '' && !optional);
  return JSON.stringify(entries.map(([path, { version }]) => `${path}@${version}`).sort());
}

/**
 * Installs the missing Debian packages, if this process runs as root and apt-get exists.
 * @returns the packages that are still missing
 */
export async function installPrograms() {
  const missing = await findMissing();
  if (missing.length === 0 || process.getuid() !== 0 || !systemProgram('apt-get')) return missing;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = () => run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], { env });
  await install().catch(async () => {
    await run('apt-get', ['update', '-qq']);
    await install();
  });
  return findMissing();
}

async function findMissing() {
  const absent = Object.keys(programs).filter((name) => !systemProgram(name));
  const unknown = [];
  for (const name of Object.keys(modules)) if (!(await hasModule(name))) unknown.push(name);
  return [...absent.map((name) => programs[name]), ...unknown.map((name) => modules[name])];
}

async function hasModule(name) {
  const python = systemProgram('python3');
  if (!python) return false;
  const found = 'import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)';
  return run(python, ['-c', found, name]).then(
    () => true,
    () => false,
  );
}
