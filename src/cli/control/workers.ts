import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { UserError } from '../../errors.ts';
import { type WorkersState, workersFile } from '../../server/workers/report.ts';
import type { System } from '../../system.ts';
import { identify, isRunning, type ProcessIdentity, signalIfRunning } from '../environment/process-identity.ts';
import { withDraft } from '../environment/write-file.ts';
import { commandLine } from '../shells/shells.ts';
import { notListening, type ServedEnvironment, verifyListening } from './running-server.ts';
import type { EnvironmentDirectory, ServerRecord } from './server-record.ts';
import { toUserError } from './start-outcome.ts';
import { readState } from './state.ts';

const pollMs = 50;
/** A worker that does not listen fails after 30 s, so a reload without any change for longer is stuck. */
const slowMs = 45_000;
/** A server that runs records within this time that it began to reload. */
const beginMs = 1_000;

/** How many processes respond to requests: 1 for a server without workers. */
export async function countWorkers(
  environment: EnvironmentDirectory,
  record: ServerRecord,
): Promise<{ workers: number; ready: number }> {
  const { workers, ready } = (await readReport(environment, record)) ?? { workers: 1, ready: 1 };
  return { workers, ready };
}

/**
 * Makes the server replace its workers one by one, and waits until all are replaced.
 * @returns how many workers there are
 * @throws UserError when there are no workers, or with the reason why they were not replaced
 */
export async function reloadWorkers(system: System, environment: ServedEnvironment): Promise<number> {
  const record = await verifyListening(system, environment);
  const server = await identify(record.pid);
  if (!server) throw notListening(environment.directory);
  const before = await readReport(environment, record);
  if (!before) throw await withoutWorkers(system, environment);
  await signalIfRunning(server, 'SIGHUP');
  await verifyRecorded(environment, before, () => readReport(environment, record));
  const { reloads, workers } = await untilReloaded(server, before, () => readReport(environment, record));
  const { failure, replaced } = reloads;
  if (!failure) return workers;
  const { message, hint } = await toUserError(system, environment, failure);
  const logs = await commandLine(system, environment.directory, 'logs');
  const isInLog = record.background && failure.code === 'server-failed';
  const fact = replaced === 0 ? 'No worker was replaced' : `${replaced} of ${workers} workers were replaced`;
  throw new UserError(
    'not-reloaded',
    `${fact}; the rest still run the old code: ${message}`,
    isInLog ? `To see its output: ${logs}` : hint,
  );
}

/**
 * Without a record, a reload cannot be followed.
 * @throws the error of the file system, such as a full disk, when the server does not record the reload for that reason
 */
async function verifyRecorded(
  { directory }: EnvironmentDirectory,
  before: WorkersState,
  read: () => Promise<WorkersState | undefined>,
): Promise<void> {
  const isRecorded = async (): Promise<boolean> => (await read())?.reloads.started !== before.reloads.started;
  for (const endMs = Date.now() + beginMs; Date.now() < endMs; await wait(pollMs)) if (await isRecorded()) return;
  await withDraft(join(directory, 'data', workersFile), ' '.repeat(4096), 0o600, async () => undefined);
}

async function untilReloaded(
  server: ProcessIdentity,
  before: WorkersState,
  read: () => Promise<WorkersState | undefined>,
): Promise<WorkersState> {
  let last = '';
  for (let sinceMs = Date.now(); Date.now() - sinceMs < slowMs; await wait(pollMs)) {
    const isThere = await isRunning(server);
    const report = await read();
    if (report && report.reloads.ended > before.reloads.started) return report;
    if (!isThere) throw new UserError('server-died', 'The server exited before its workers were replaced.');
    const now = JSON.stringify(report);
    if (now !== last) sinceMs = Date.now();
    last = now;
  }
  const fact = `The server does not reload: no worker changed its state for ${slowMs / 1000} s.`;
  throw new UserError('reload-slow', fact, 'The server may be suspended, or the machine overloaded.');
}

function readReport(environment: EnvironmentDirectory, record: ServerRecord): Promise<WorkersState | undefined> {
  return readState<WorkersState>(environment, record, workersFile);
}

async function withoutWorkers(system: System, { directory }: EnvironmentDirectory): Promise<UserError> {
  const fact = `The server of ${directory} runs without workers, so nothing would respond while it restarts.`;
  const [stop, start] = await Promise.all([
    commandLine(system, directory, 'stop'),
    commandLine(system, directory, 'serve', '--workers', '1'),
  ]);
  return new UserError('no-workers', fact, `One worker is enough: ${stop}, then ${start}`);
}
