import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../measure/processes.js';
import { createEnvironment } from '../setup/environment.js';

const script = join(import.meta.dirname, 'fill.js');

/**
 * Creates an environment with sessions in its store.
 * @param counts the numbers of `live` and `expired` sessions and of `cookies` for live ones, and the `options` of init
 */
export async function createFilled(bench, name, { live, expired = 0, cookies, options = [] }) {
  const directory = await createEnvironment(bench.workspace, name, options);
  const file = bench.workspace.path(`cookies-${name}.txt`);
  if (expired > 0) await fill(directory, expired, 'expired', file, 0);
  await fill(directory, live, 'live', file, cookies);
  const values = (await readFile(file, 'utf8')).split('\n');
  const { cookie } = JSON.parse(await readFile(join(directory, 'sessapp.json'), 'utf8'));
  return { directory, cookies: values.map((value) => `__Host-${cookie}=${value}`) };
}

function fill(directory, count, state, file, cookies) {
  return run(process.execPath, [script, directory, count, state, file, cookies].map(String));
}
