import { hasCode, UserError } from '../../errors.ts';
import { overlay, readVariables, type Variables } from '../../settings/variables.ts';
import type { System } from '../../system.ts';
import { findPossiblyBroken, type PossiblyBrokenEnvironment } from '../environment/find.ts';
import { hasUnfinishedInit } from '../scaffold/in-place.ts';
import type { Subject } from './check.ts';

/**
 * Finds the environment, and reads it as far as possible.
 * @param named as for `findEnvironment`
 * @throws UserError when there is no environment
 */
export async function readSubject(
  system: System,
  named: (string | undefined)[],
  url: URL | undefined,
): Promise<Subject> {
  const found = await findPossiblyBroken(system, ...named);
  await verifyEnvironment(found);
  const read = await readFile(found.directory);
  const file = read ?? {};
  const settings = overlay(file, system.env);
  return { ...found, file, ...(!read && { isFileUnreadable: true }), settings, ...(url && { url }) };
}

// A directory without a marker is not an environment, unless an init was interrupted in it.
async function verifyEnvironment({ directory, failure }: PossiblyBrokenEnvironment): Promise<void> {
  if (failure?.code === 'not-an-environment' && !(await hasUnfinishedInit(directory))) throw failure;
}

// Undefined when .env cannot be read: the check `.env` reports why.
async function readFile(directory: string): Promise<Variables | undefined> {
  try {
    return await readVariables(directory);
  } catch (error) {
    if (error instanceof UserError || hasCode(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** True for a name or address that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return /^(localhost|.*\.localhost|127(\.\d+){3}|\[?::1\]?)$/i.test(host);
}
