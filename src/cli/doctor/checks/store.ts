import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../../errors.ts';
import { isThere } from '../../../files.ts';
import { storeKinds } from '../../../settings/stores.ts';
import type { System } from '../../../system.ts';
import { withStore } from '../../admin/store.ts';
import { StoreUnavailable } from '../../admin/store-errors.ts';
import { checkReadiness } from '../../environment/readiness.ts';
import { dataDirectory, realDirectory } from '../../paths.ts';
import {
  type Check,
  dependsOnOther,
  type Finding,
  note,
  ok,
  problem,
  type Readable,
  type Remedy,
  withMarker,
} from '../check.ts';
import { findingUnlessOwner } from '../file-owner.ts';
import { hideSecrets } from '../redact.ts';
import { moveAside, sessapp } from '../remedies.ts';

/** Can a session be written, read and deleted, and does the store keep its sessions? */
export const store: Check = {
  name: 'store',
  examine: withMarker(async (environment, system) => {
    const { marker, isFileUnreadable } = environment;
    if (!(await isDirectoryOrMissing(join(environment.directory, 'data'))))
      return [dependsOnOther('data is not a directory.')];
    if (isFileUnreadable) return [dependsOnOther('.env cannot be read.')];
    const kind = storeKinds[marker.store];
    if (!kind) return [dependsOnOther(`there is no store ${marker.store}.`)];
    if ((await checkReadiness(environment)) !== 'ready') return [dependsOnOther('the dependencies are not ready.')];
    const missing = examineDriver(environment, kind.package);
    if (missing) return [missing];
    const refused = isLocal(environment) ? await findingUnlessOwner(environment.directory) : undefined;
    if (refused) return [refused];
    if (isLocal(environment) && (await isDiskFull(environment, system))) return [dependsOnOther('the disk is full.')];
    return tryStore(environment, system);
  }),
};

// The check `data` reports a file, also for a network store: the server writes its own files there.
async function isDirectoryOrMissing(path: string): Promise<boolean> {
  return !(await isThere(path)) || (await realDirectory(path)) !== undefined;
}

// LMDB prints its own error about a failed write. The check `disk-space` reports less than 64 MB.
async function isDiskFull({ directory }: Readable, { statfs }: System): Promise<boolean> {
  const { bavail, bsize } = await statfs(await dataDirectory(directory));
  return bavail * bsize < probeBytes;
}

/** Enough for a new store and a record. */
const probeBytes = 1024 * 1024;

function isLocal({ marker }: Readable): boolean {
  return marker.store === 'embedded';
}

function examineDriver({ directory, marker }: Readable, name: string): Finding | undefined {
  if (existsSync(join(directory, 'node_modules', name))) return undefined;
  const fact = `The store ${marker.store} needs the package ${name}, which is not installed.`;
  return problem(fact, 'The server does not start.', sessapp(directory, 'install', name));
}

async function tryStore(environment: Readable, system: System): Promise<Finding[]> {
  try {
    const warnings = await withStore(
      system,
      environment,
      async (opened) => {
        await opened.probe();
        return opened.warnings();
      },
      { mayCreate: true },
    );
    const why = 'Users whose sessions are lost have to log in again.';
    if (warnings.length > 0) return warnings.map((warning) => note(warning, why));
    return [ok(`The store ${environment.marker.store} can write, read and delete a record.`)];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return [explain(error, environment, system)];
  }
}

function explain(error: UserError, environment: Readable, system: System): Finding {
  if (error.code === 'server-not-ready') return explainOtherFiles(error, environment);
  if (!(error instanceof StoreUnavailable)) return problem(error.message, whyLocal, error.hint ?? '');
  const { fault, hint = '' } = error;
  const reason = hideSecrets(error.reason, environment, system);
  const fact = `The store cannot be used: ${reason}.`;
  if (fault.startsWith('store-url-')) return problem(fact, 'The server does not start.', 'Correct STORE_URL.', hint);
  if (!isLocal(environment)) return problem(fact, 'Requests that need a session get a 503.', restartStore);
  const shown = reportedElsewhere[fault];
  if (shown !== undefined) return dependsOnOther(`${reason}.`, shown);
  return problem(fact, whyLocal, ...(hinted.includes(fault) ? [hint] : remedyFor(fault, environment)));
}

const restartStore = 'Start the store, or correct STORE_URL in .env.';
const whyLocal = 'The server does not start, or requests that need a session get a 503.';

const giveAccess = 'Give the owner of the environment write access to it and to data/.';
/** The checks `data` and `disk-space` report these faults. The texts are for the rare case that they do not. */
const reportedElsewhere: Record<string, string> = {
  EACCES: giveAccess,
  EPERM: giveAccess,
  ENOSPC: 'Free some disk space.',
};

/** The faults with a remedy in the hint of the error. */
const hinted = ['lock-held', 'EDQUOT'];

function explainOtherFiles({ message }: UserError, { directory }: Readable): Finding {
  const why = 'If the files were removed or replaced, the server loses its changes when it stops.';
  const remedy = 'Its log says why. To make it open the current files, stop it and start it again.';
  return problem(message, why, remedy, sessapp(directory, 'stop'), sessapp(directory, 'serve'));
}

function remedyFor(fault: string, { directory }: Readable): Remedy {
  const aside = moveAside(join(directory, 'data', 'sessions'));
  const remedies: Record<string, Remedy> = {
    damaged: [
      'Stop the server, then restore a backup (see docs/store.md), or start with an empty store: then everyone has to log in again.',
      aside,
    ],
    unclear: [
      'Stop the server, then run doctor again: perhaps only the lock file is damaged, which holds no data. If doctor reports this again, restore a backup: see docs/store.md.',
    ],
    ENOTDIR: ['Rename the file.', aside],
    EROFS: ['Make its file system writable, or move the environment to another disk.'],
  };
  // No check found the cause, so a package may be damaged. The sessions stay.
  return remedies[fault] ?? ['Install the packages again.', sessapp(directory, 'install')];
}
