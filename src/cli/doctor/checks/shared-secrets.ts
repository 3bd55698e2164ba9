import { readdir, realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { readMarker } from '../../../settings/marker.ts';
import { secretVariable, splitSecrets } from '../../../settings/secrets.ts';
import { readVariables } from '../../../settings/variables.ts';
import { hasCode, UserError } from '../../../errors.ts';
import type { System } from '../../../system.ts';
import { type Check, type Finding, note, ok, problem, type Subject } from '../check.ts';
import { realpathIfThere } from '../resolve.ts';
import { replaceSecrets } from '../secret-remedies.ts';

/** So many directories beside the environment are looked into. */
const siblingLimit = 1000;

interface Other {
  directory: string;
  cookie: string | undefined;
  secrets: string[];
}

/**
 * Has another environment the same secret, as a copy has it? Looked at are those in the same directory, and the one
 * that SESSAPP_ENV names: a list of all environments of a machine is kept nowhere.
 */
export const sharedSecrets: Check = {
  name: 'shared-secrets',
  async examine(subject, system) {
    const others = await readOthers(subject.directory, system);
    const findings = await Promise.all(others.map((other) => compare(subject, system, other)));
    const found = findings.flat();
    const looked =
      others.length === 0
        ? 'There is no other environment beside it.'
        : `Compared with ${others.length} other(s) beside it: nothing is shared.`;
    return found.length > 0 ? found : [ok(looked)];
  },
};

async function readOthers(directory: string, { env, cwd }: System): Promise<Other[]> {
  const own = await realpath(directory);
  const parent = dirname(own);
  const names = (await readNames(parent)).slice(0, siblingLimit);
  const activated = env.SESSAPP_ENV ? await realpathIfThere(resolve(cwd, env.SESSAPP_ENV)) : undefined;
  const places = new Set([...names.map((name) => join(parent, name)), ...(activated === undefined ? [] : [activated])]);
  places.delete(own);
  const others = await Promise.all([...places].map(readOther));
  return others.filter((other) => other !== undefined);
}

async function readNames(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (hasCode(error, 'EACCES')) return [];
    throw error;
  }
}

// What another user keeps closed, or is damaged, says nothing.
async function readOther(directory: string): Promise<Other | undefined> {
  try {
    const marker = await readMarker(directory);
    if (!marker) return undefined;
    const { [secretVariable]: secrets } = await readVariables(directory);
    return { directory, cookie: marker.cookie, secrets: splitSecrets(secrets) };
  } catch (error) {
    if (error instanceof UserError || hasCode(error, 'EACCES', 'EPERM', 'EISDIR', 'ENOTDIR', 'ELOOP')) return undefined;
    throw error;
  }
}

async function compare(subject: Subject, system: System, other: Other): Promise<Finding[]> {
  const [newest, ...older] = splitSecrets(subject.settings[secretVariable]);
  const isSame = (secret: string): boolean => other.secrets.includes(secret);
  const why = 'Who gets the secret of one can forge sessions of both; a test server is often guarded less.';
  if (newest !== undefined && isSame(newest)) {
    const remedy = await replaceSecrets(subject, system);
    return [
      problem(`It signs with a secret that ${other.directory} has too.`, why, remedy),
      ...tellCookie(subject, other),
    ];
  }
  const shared = older.filter(isSame);
  if (shared.length === 0) return tellCookie(subject, other);
  const remedy = await replaceSecrets(subject, system, { adds: false, drops: shared });
  const fact = `An older secret is one that ${other.directory} has too.`;
  return [note(fact, why, `Retire it when no session needs it any more. ${remedy}`), ...tellCookie(subject, other)];
}

function tellCookie({ marker }: Subject, other: Other): Finding[] {
  if (marker === undefined || marker.cookie !== other.cookie) return [];
  const fact = `Its session cookie has the name of that of ${other.directory}: ${marker.cookie}.`;
  const why = 'On one host, such as localhost, each logs out the users of the other: cookies do not know of ports.';
  return [
    note(fact, why, 'If both run on one host, change "cookie" in sessapp.json of one of them. Its users log in again.'),
  ];
}
