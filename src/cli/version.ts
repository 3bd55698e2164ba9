import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { hasCode, UserError } from '../errors.ts';
import { markerName } from '../settings/marker.ts';
import type { System } from '../system.ts';
import { readOwnPackageJson } from './package.ts';

/** The version of this copy, and the version of the environment's own copy if it differs. */
export function renderVersion(system: System): string {
  const { version } = readOwnPackageJson();
  const directory = findDirectory(system);
  const own = directory === undefined ? undefined : readOwnVersion(directory);
  return own === undefined || own === version ? version : `${version} (this environment: ${own})`;
}

// Finds the environment as a command without -e does. A missing environment is not an error here.
function findDirectory(system: System): string | undefined {
  const { SESSAPP_ENV } = system.env;
  try {
    return SESSAPP_ENV ? resolve(system.cwd, SESSAPP_ENV) : findAbove(system.cwd);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function findAbove(directory: string): string | undefined {
  if (existsSync(join(directory, markerName))) return directory;
  return dirname(directory) === directory ? undefined : findAbove(dirname(directory));
}

function readOwnVersion(directory: string): string | undefined {
  try {
    const text = readFileSync(join(directory, 'node_modules', 'sessapp', 'package.json'), 'utf8');
    return (JSON.parse(text) as { version?: string }).version;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
