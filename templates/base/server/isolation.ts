import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { StartError } from './start-error.ts';

/**
 * Node.js looks for a missing package in the directories above; this server takes nothing from there.
 * @throws StartError when a dependency resolves outside the environment, or not at all
 */
export async function verifyIsolation(directory: string): Promise<void> {
  const manifest = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>;
  };
  const inside = pathToFileURL(join(directory, 'node_modules')).href;
  for (const name of Object.keys(manifest.dependencies ?? {})) {
    const found = import.meta.resolve(name);
    if (!found.startsWith(`${inside}/`)) {
      throw new StartError(
        'outside',
        `The package ${name} is not in this environment; Node.js finds it at ${found}.`,
        'Install what the lockfile says: sessapp install, or npm ci',
      );
    }
  }
}
