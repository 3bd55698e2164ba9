import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { orUndefined } from '../../../errors.ts';
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
import { describeOtherServer } from '../../secrets/secret-summary.ts';
import { type Check, type Finding, note, ok, problem, type Subject } from '../check.ts';
import { replaceSecrets, sessapp } from '../remedies.ts';

const many = 5;
const dayMs = 24 * 60 * 60 * 1000;
const yearMs = 365 * dayMs;

/** Can nobody guess the secrets, are they few, and is the newest one not old? */
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
    const count = all.length === 1 ? 'There is one' : `There are ${all.length}`;
    return findings.length > 0 ? findings : [ok(`${count}, made of chance as far as can be seen.`)];
  },
};

async function checkStrength(all: string[], subject: Subject, system: System): Promise<Finding[]> {
  const rotate = replaceSecrets(subject, system);
  if (all.length === 0) {
    // What cannot be read may hold one: the check is not made then.
    await orUndefined(access(join(subject.directory, envFileName), constants.R_OK), 'ENOENT');
    const why = 'The server cannot sign sessions, and does not start.';
    return [problem(`${secretVariable} is not set.`, why, ...rotate)];
  }
  return all.flatMap((secret, index) => {
    const name = index === 0 ? 'The newest secret' : `Secret number ${index + 1}`;
    const weakness = refusal(secret);
    if (weakness !== undefined) return [problem(`${name} ${weakness}.`, whyWeak, ...rotate)];
    if (!looksLikeWords(secret)) return [];
    const remedy = ['Retire it when no session needs it any more.', ...(index === 0 ? rotate : [])];
    return [note(`${name} looks like words, not like chance.`, whyWords, ...remedy)];
  });
}

const whyWeak = 'Who guesses it can forge sessions; the server does not start.';
const whyWords = 'Words can be guessed by trying.';

// As the server judges it.
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
  const why = 'Each of them can sign a session, and each is one more that can be lost.';
  const list = sessapp(directory, 'secret list');
  return [note(`There are ${all.length} secrets.`, why, 'Retire those that no session needs.', list)];
}

// Where the file does not tell, no secret in it is newer than its last change.
async function checkAge([newest]: string[], subject: Subject, system: System): Promise<Finding[]> {
  if (newest === undefined || system.env[secretVariable]) return [];
  const path = join(subject.directory, envFileName);
  const known = readCreationTimes(await readFile(path, 'utf8')).get(secretIdOf(newest));
  const sinceMs = known ?? (await stat(path)).mtimeMs;
  if (system.now() - sinceMs < yearMs) return [];
  const days = Math.floor((system.now() - sinceMs) / dayMs);
  const why = 'The longer a secret is in use, the more copies of it there are. A new one logs nobody out.';
  return [note(`The newest secret is ${days} days old.`, why, ...replaceSecrets(subject, system))];
}

function reportOverridden({ file }: Subject, { env }: System): Finding[] {
  const given = env[secretVariable];
  if (!given || !file[secretVariable] || file[secretVariable] === given) return [];
  const fact = `${secretVariable} is set in the environment variables, and .env has another.`;
  const why = 'The one of the environment variables counts; a server that is started without them takes the other.';
  return [note(fact, why, 'Set it in one place.')];
}

async function reportOtherServer(subject: Subject, system: System): Promise<Finding[]> {
  const fact = await describeOtherServer(system, subject);
  if (fact === undefined) return [];
  const why = 'What is said here of the secrets is said of those that a server would have that is started from here.';
  return [note(fact, why, 'Restart it with the variables that it should have.', sessapp(subject.directory, 'stop'))];
}
