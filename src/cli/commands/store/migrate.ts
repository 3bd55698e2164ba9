import { storeKinds, storeNames } from '../../../settings/stores.ts';
import { withStore } from '../../admin/store.ts';
import { flag, text } from '../../command.ts';
import { findEnvironment } from '../../environment/find.ts';
import { decideDestination, decideRollback } from '../../migrate/destination.ts';
import { withMigrationLock } from '../../migrate/lock.ts';
import { type Destination, migrate } from '../../migrate/migrate.ts';
import { rollBack } from '../../migrate/roll-back.ts';
import type { Report } from '../../output.ts';
import { commandLine } from '../../shells/shells.ts';
import { onEnvironment, type Work } from '../on-environment.ts';

export const command = onEnvironment({
  summary: 'move the sessions to another store, also while the server runs',
  examples: [
    'sessapp store migrate redis --store-url redis://localhost:6379',
    'sessapp store migrate postgres --store-url postgres://user@localhost:5432/database --dry-run',
  ],
  operands: [['<store>', 'where they are to live: embedded, postgres or redis', () => storeNames]],
  options: [
    ['--store-url <url>', 'where that store is, without a password (default: NEXT_STORE_URL, which may have one)'],
    ['--dry-run', 'print what would be done, and do nothing'],
    ['--rollback', 'take back a move that has not begun to move sessions'],
    ['--offline', 'take packages from npm’s cache only'],
  ],
  async run(given) {
    const { system, environment } = given;
    if (flag(given.input, 'dryRun')) return plan(given);
    // Another one may have gone on with it until it let go of the lock.
    const again = (): Promise<Work['environment']> => findEnvironment(system, environment.directory);
    return withMigrationLock(environment, async () => work({ ...given, environment: await again() }));
  },
});

async function plan(given: Work): Promise<Report> {
  await decide(given);
  const fact = flag(given.input, 'rollback') ? 'would not move any more' : 'would move';
  return report(given, 'planned', fact);
}

async function work(given: Work): Promise<Report> {
  const destination = await decide(given);
  const { input, system, output, environment } = given;
  const options = { offline: flag(input, 'offline'), signal: system.catchInterrupts() };
  if (flag(input, 'rollback')) {
    await output.working((step) => rollBack(environment, { ...options, step }));
    return report(given, 'rolled-back', 'do not move');
  }
  warnOfOthers(given);
  try {
    await output.working((step) =>
      migrate(system, environment, destination, { ...options, step, warn: (line) => output.warn(line) }),
    );
  } catch (error) {
    await tellHowToGoOn(given, destination.store);
    throw error;
  }
  return report(given, 'migrated', 'have moved');
}

function decide({ input, system, environment }: Work): Promise<Destination> {
  const choose = flag(input, 'rollback') ? decideRollback : decideDestination;
  return choose(system, environment, input.operands[0] ?? '', text(input, 'storeUrl'));
}

/** @param given with the environment as it was when the command began */
async function report({ input, system, environment, name }: Work, status: string, fact: string): Promise<Report> {
  const { directory, marker } = environment;
  const from = marker.migration?.from ?? marker.store;
  const [to = ''] = input.operands;
  const now = await findEnvironment(system, directory);
  const { live: sessions } = await withStore(system, now, (store) => store.tally(system.now()));
  const text = `The sessions of ${name} ${fact} from ${from} to ${to} (${sessions}).`;
  return { data: { status, directory, from, to, sessions }, text };
}

function warnOfOthers({ output, environment: { marker } }: Work): void {
  if (!storeKinds[marker.store]?.address) return;
  output.warn('Servers that run from another directory, or on another machine, do not follow: they must be stopped.');
}

async function tellHowToGoOn({ system, output, environment: { directory } }: Work, store: string): Promise<void> {
  const { migration } = (await findEnvironment(system, directory)).marker;
  if (!migration) return;
  const again = await commandLine(system, directory, 'store migrate', store);
  const back = migration.phase === 'prepare' ? '; to take it back, add --rollback' : '';
  output.note(`No session is lost: the server works with both stores. To go on, type: ${again}${back}`);
}
