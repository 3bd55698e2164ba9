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
  summary: 'move the sessions to another store, even while the server runs',
  examples: [
    'sessapp store migrate redis --store-url redis://localhost:6379',
    'sessapp store migrate postgres --store-url postgres://user@localhost:5432/database --dry-run',
  ],
  operands: [['<store>', 'the new store: embedded, postgres or redis', () => storeNames]],
  options: [
    ['--store-url <url>', 'its address, without a password (default: NEXT_STORE_URL, which may contain one)'],
    ['--dry-run', 'print what would be done, but change nothing'],
    ['--rollback', 'cancel a move that has not moved any session yet'],
    ['--offline', 'take packages only from npm’s cache'],
  ],
  async run(given) {
    const { system, environment } = given;
    if (flag(given.input, 'dryRun')) return plan(given);
    // Another process may have continued the move until it released the lock.
    const again = (): Promise<Work['environment']> => findEnvironment(system, environment.directory);
    return withMigrationLock(environment, async () => work({ ...given, environment: await again() }));
  },
});

async function plan(given: Work): Promise<Report> {
  await decide(given);
  const fact = flag(given.input, 'rollback') ? 'would no longer move' : 'would move';
  return report(given, 'planned', fact);
}

async function work(given: Work): Promise<Report> {
  const destination = await decide(given);
  const { input, system, output, environment } = given;
  const options = { offline: flag(input, 'offline'), signal: system.catchInterrupts() };
  if (flag(input, 'rollback')) {
    await output.working((step) => rollBack(environment, { ...options, step }));
    return report(given, 'rolled-back', 'no longer move');
  }
  warnOfOthers(given);
  try {
    await output.working((step) =>
      migrate(system, environment, destination, { ...options, step, warn: (line) => output.warn(line) }),
    );
  } catch (error) {
    await noteHowToContinue(given, destination.store);
    throw error;
  }
  return report(given, 'migrated', 'have moved');
}

function decide({ input, system, environment }: Work): Promise<Destination> {
  const choose = flag(input, 'rollback') ? decideRollback : decideDestination;
  return choose(system, environment, input.operands[0] ?? '', text(input, 'storeUrl'));
}

/** @param given has the environment as it was when the command started */
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
  output.warn('Servers that run from another directory or on another machine do not notice the move. Stop them first.');
}

async function noteHowToContinue({ system, output, environment: { directory } }: Work, store: string): Promise<void> {
  const { migration } = (await findEnvironment(system, directory)).marker;
  if (!migration) return;
  const again = await commandLine(system, directory, 'store migrate', store);
  const back = migration.phase === 'prepare' ? '. To cancel the move, add --rollback' : '';
  output.note(`No session is lost: the server uses both stores. To continue, type: ${again}${back}`);
}
