import { dirname, join } from 'node:path';
import { isThere } from '../../../files.ts';
import type { Migration } from '../../../settings/marker.ts';
import { type Lock, readLock } from '../../environment/lock.ts';
import { isRunning, type ProcessIdentity } from '../../environment/process-identity.ts';
import { migrationLockName } from '../../migrate/lock.ts';
import { lockName } from '../../scaffold/directory-lock.ts';
import { hasUnfinishedInit } from '../../scaffold/in-place.ts';
import { findLeftovers } from '../../scaffold/staging.ts';
import { envDraftName, envLockName } from '../../secrets/env-file.ts';
import { type Check, type Finding, note, ok, problem } from '../check.ts';
import { sessapp, typeOn } from '../remedies.ts';

/** Was an `init`, `install`, `secret` or `store migrate` interrupted here? */
export const leftovers: Check = {
  name: 'leftovers',
  async examine({ directory, marker }) {
    const findings = [
      ...(await examineInside(directory)),
      ...(await examineDraft(directory)),
      ...(await examineBeside(directory)),
      ...(await examineMove(directory, marker?.migration)),
    ];
    return findings.length > 0 ? findings : [ok('No command was interrupted here.')];
  },
};

async function examineInside(directory: string): Promise<Finding[]> {
  if (!(await hasUnfinishedInit(directory))) return [];
  const owner = await livingOwner(join(directory, lockName));
  if (owner) {
    const fact = `Another sessapp (process ${owner.pid}) is at work in ${directory}.`;
    return [note(fact, 'What is found here may be different when it has ended.', 'Wait for it, then run this again.')];
  }
  const fact = `An init or install in ${directory} was interrupted.`;
  const why = 'Files of the environment may still be set aside, and others half-written.';
  return [problem(fact, why, 'End or undo it.', sessapp(directory, 'init'))];
}

async function livingOwner(path: string): Promise<ProcessIdentity | undefined> {
  const lock = await readLock<Lock>(path);
  return lock?.owner && (await isRunning(lock.owner)) ? lock.owner : undefined;
}

async function examineDraft(directory: string): Promise<Finding[]> {
  const path = join(directory, envDraftName);
  if (!(await isThere(path)) || (await livingOwner(join(directory, envLockName)))) return [];
  const why = 'It holds a secret. The next rotate or retire removes it too.';
  return [note(`An interrupted command left ${path}.`, why, typeOn(['rm', '-f'], path))];
}

async function examineBeside(directory: string): Promise<Finding[]> {
  const found = await findLeftovers(dirname(directory));
  const why = 'It takes space, and may hold a secret. The next init beside it removes it too.';
  return found.map((path) => note(`An interrupted init left ${path}.`, why, typeOn(['rm', '-rf'], path)));
}

async function examineMove(directory: string, migration: Migration | undefined): Promise<Finding[]> {
  if (!migration || (await livingOwner(join(directory, migrationLockName)))) return [];
  const fact = `The sessions are on their way from the store ${migration.from} to ${migration.to}, and nobody brings them there.`;
  const why = 'The server uses both stores, which takes longer, and needs both to answer.';
  return [note(fact, why, sessapp(directory, 'store migrate', migration.to))];
}
