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

/** Was an `init`, `install`, `upgrade`, `secret` or `store migrate` interrupted here? */
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
  const owner = await findLiveOwner(join(directory, lockName));
  if (owner) {
    const fact = `Another sessapp command (process ${owner.pid}) is changing ${directory}.`;
    return [
      note(
        fact,
        'The other checks may find something else after it ends.',
        'Wait until it ends, then run doctor again.',
      ),
    ];
  }
  const fact = `An init or install in ${directory} was interrupted.`;
  const why = 'Some files may still be in a temporary directory, or only partly written.';
  return [problem(fact, why, 'Complete or undo it.', sessapp(directory, 'init'))];
}

async function findLiveOwner(path: string): Promise<ProcessIdentity | undefined> {
  const lock = await readLock<Lock>(path);
  return lock?.owner && (await isRunning(lock.owner)) ? lock.owner : undefined;
}

async function examineDraft(directory: string): Promise<Finding[]> {
  const path = join(directory, envDraftName);
  if (!(await isThere(path)) || (await findLiveOwner(join(directory, envLockName)))) return [];
  const why = 'It contains a secret. The next secret rotate or secret retire removes it too.';
  return [note(`An interrupted command left ${path}.`, why, typeOn(['rm', '-f'], path))];
}

async function examineBeside(directory: string): Promise<Finding[]> {
  const found = await findLeftovers(dirname(directory));
  const why = 'It takes disk space, and may contain a secret. The next init in the same directory removes it too.';
  return found.map((path) => note(`An interrupted init left ${path}.`, why, typeOn(['rm', '-rf'], path)));
}

async function examineMove(directory: string, migration: Migration | undefined): Promise<Finding[]> {
  if (!migration || (await findLiveOwner(join(directory, migrationLockName)))) return [];
  const fact = `The migration of the sessions from the store ${migration.from} to ${migration.to} was interrupted.`;
  const why = 'The server needs both stores until the migration is complete, and its responses take longer.';
  return [note(fact, why, 'Complete the migration.', sessapp(directory, 'store migrate', migration.to))];
}
