import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  envFileName,
  isPlaceholder,
  minimumBytes,
  readCreationTimes,
  secretIdOf,
  secretVariable,
  splitSecrets,
} from '../../../settings/secrets.ts';
import type { System } from '../../../system.ts';
import { renderCount } from '../../amounts.ts';
import { describeOtherServer } from '../../secrets/secret-summary.ts';
import { type Check, dependsOnOther, type Finding, note, ok, problem, type Subject } from '../check.ts';
import { replaceSecrets, sessapp } from '../remedies.ts';

const many = 5;
const dayMs = 24 * 60 * 60 * 1000;
const yearMs = 365 * dayMs;

/** Are the secrets random, are there few of them, and is the newest one less than a year old? */
export const secrets: Check = {
  name: 'secrets',
  async examine(subject, system) {
    const all = splitSecrets(subject.settings[secretVariable]);
    const findings = [
      ...(await checkStrength(all, subject, system)),
      ...checkCount(all, subject),
      ...(await checkAge(all, subject, system)),
      ...reportOverridden(subject, system),
      ...(await reportOtherServer(subject, system)),
    ];
    const looks = all.length === 1 ? 'looks random' : 'all look random';
    return findings.length > 0 ? findings : [ok(`${renderCount(all.length, 'secret')}, ${looks}.`)];
  },
};

async function checkStrength(all: string[], subject: Subject, system: System): Promise<Finding[]> {
  const rotate = replaceSecrets(subject, system);
  if (all.length === 0) {
    // The file may contain a secret.
    if (subject.isFileUnreadable) return [dependsOnOther('.env cannot be read.')];
    const why = 'The server does not start without a secret to sign session cookies.';
    return [problem(`${secretVariable} is not set.`, why, ...rotate)];
  }
  return all.flatMap((secret, index) => {
    const name = index === 0 ? 'The newest secret' : `Secret number ${index + 1}`;
    const weakness = refusal(secret);
    if (weakness !== undefined) return [problem(`${name} ${weakness}.`, whyWeak, ...rotate)];
    if (!looksLikeWords(secret)) return [];
    const remedy =
      index === 0
        ? ['Rotate it, and retire it once no session uses it.', ...rotate]
        : ['Retire it once no session uses it.'];
    return [note(`${name} looks like words, not random.`, whyWords, ...remedy)];
  });
}

const whyWeak = 'Anyone who guesses it can forge sessions. The server does not start with it.';
const whyWords = 'An attacker can guess words by trying many combinations.';

// The same rules as the server's.
function refusal(secret: string): string | undefined {
  const bytes = Buffer.byteLength(secret);
  if (bytes < minimumBytes) return `has ${bytes} bytes; it needs ${minimumBytes} or more`;
  return isPlaceholder(secret) ? 'looks like a placeholder' : undefined;
}

function looksLikeWords(secret: string): boolean {
  return /^\p{L}+([-_ .,!?]+\p{L}+)*[.!?]?$/u.test(secret) && secret.toLowerCase() === secret;
}

function checkCount(all: string[], { directory }: Subject): Finding[] {
  if (all.length <= many) return [];
  const why = 'Every secret is valid. If any of them leaks, an attacker can forge sessions.';
  const list = sessapp(directory, 'secret list');
  return [note(`There are ${all.length} secrets.`, why, 'Retire the secrets that no session uses.', list)];
}

// Without a recorded date, the last change of the file is the latest possible date of the secret.
async function checkAge([newest]: string[], subject: Subject, system: System): Promise<Finding[]> {
  if (newest === undefined || system.env[secretVariable]) return [];
  const path = join(subject.directory, envFileName);
  const known = readCreationTimes(await readFile(path, 'utf8')).get(secretIdOf(newest));
  const sinceMs = known ?? (await stat(path)).mtimeMs;
  if (system.now() - sinceMs < yearMs) return [];
  const days = Math.floor((system.now() - sinceMs) / dayMs);
  const why = 'An old secret may exist in more copies, such as backups. Rotating it logs nobody out.';
  return [note(`The newest secret is ${days} days old.`, why, ...replaceSecrets(subject, system))];
}

function reportOverridden({ file }: Subject, { env }: System): Finding[] {
  const given = env[secretVariable];
  if (!given || !file[secretVariable] || file[secretVariable] === given) return [];
  const fact = `The environment variable ${secretVariable} and .env have different secrets.`;
  const why = 'The environment variable wins. A server that is started without it uses .env instead.';
  return [note(fact, why, 'Set the secrets in one place only.')];
}

async function reportOtherServer(subject: Subject, system: System): Promise<Finding[]> {
  const fact = await describeOtherServer(system, subject);
  if (fact === undefined) return [];
  const why =
    'This check looked at the secrets that a server started from here would have, not at those of the running server.';
  const remedy = 'Stop the server, then start it with the right variables.';
  return [note(fact, why, remedy, sessapp(subject.directory, 'stop'))];
}
