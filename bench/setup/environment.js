import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { run } from '../measure/processes.js';
import { peersDirectory } from '../servers/registry.js';

const root = join(import.meta.dirname, '..', '..');

/** The command of this checkout. It runs the code in dist/. */
export const sessapp = join(root, 'bin', 'sessapp.js');

/** Creates an environment with `sessapp init`. Its application does the same work as the peers. */
export async function createEnvironment(workspace, name, options = []) {
  const directory = workspace.path(name);
  await run(process.execPath, [sessapp, 'init', directory, ...options], { env: toolEnvironment(workspace) });
  await copyFile(join(peersDirectory, 'sessapp.js'), join(directory, 'app.js'));
  await copyFile(join(peersDirectory, 'work.js'), join(directory, 'work.js'));
  return directory;
}

/** The environment variables for sessapp. Its cache and its list of environments are not the user's own. */
export function toolEnvironment(workspace, cache = workspace.path('cache')) {
  const own = { SESSAPP_CACHE_DIR: cache, SESSAPP_STATE_DIR: workspace.path('state') };
  return { ...process.env, ...own, SESSAPP_ENV: '', NO_COLOR: '1' };
}

/** The variables of the environment's `.env`. */
export async function readSettings(directory) {
  return parseEnv(await readFile(join(directory, '.env'), 'utf8'));
}
