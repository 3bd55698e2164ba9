import { keyIdOf, secretVariable } from '../../settings/secrets.ts';
import { commandLine, quoteLine } from '../shells/shells.ts';
import type { System } from '../../system.ts';
import { type Subject, type } from './check.ts';

const making = ['node', '-p', "require('crypto').randomBytes(32).toString('base64url')"];

/** How to get a new secret, with which those go that no server starts with, and then be rid of others. */
export async function replaceSecrets(
  { directory }: Subject,
  system: System,
  { adds = true, drops = [], force = false }: { adds?: boolean; drops?: string[]; force?: boolean } = {},
): Promise<string> {
  if (system.env[secretVariable]) {
    const make = type(await quoteLine(system, ...making));
    return `${secretVariable} is set in the environment variables, which win over .env: set another there. ${make}`;
  }
  const rotate = adds ? [await commandLine(system, directory, 'secret rotate')] : [];
  const options = force ? ['--force'] : [];
  const retire = drops.map((secret) => commandLine(system, directory, 'secret retire', keyIdOf(secret), ...options));
  return type(...rotate, ...(await Promise.all(retire)));
}
