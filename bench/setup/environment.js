import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { run } from '../measure/processes.js';
import { peersDirectory } from '../servers/registry.js';

const root = join(import.meta.dirname, '..', '..');

/** The tool as it is built. */
export const sessapp = join(root, 'bin', 'sessapp.js');

/** An environment as `sessapp init` makes it, whose application does the same work as the peers. */
export async function createEnvironment(workshop, name, options = []) {
  const directory = workshop.path(name);
  await run(process.execPath, [sessapp, 'init', directory, ...options], { env: toolEnvironment(workshop) });
  await copyFile(join(peersDirectory, 'sessapp.js'), join(directory, 'app.js'));
  await copyFile(join(peersDirectory, 'work.js'), join(directory, 'work.js'));
  return directory;
}

/** No run uses the user's own snapshots, nor adds to the user's list of environments. */
export function toolEnvironment(workshop, cache = workshop.path('cache')) {
  const own = { SESSAPP_CACHE_DIR: cache, SESSAPP_STATE_DIR: workshop.path('state') };
  return { ...process.env, ...own, SESSAPP_ENV: '', NO_COLOR: '1' };
}

/** What the environment's `.env` says. */
export async function readSettings(directory) {
  return parseEnv(await readFile(join(directory, '.env'), 'utf8'));
}
