import { storeKinds } from '../../../settings/stores.ts';
import { withStore } from '../../admin/store.ts';
import { type Command, type Context, environmentOption, flag, type Input, text } from '../../command.ts';
import { type Environment, findEnvironment, promptOf } from '../../environment/find.ts';
import { decideDestination, decideRollback } from '../../migrate/destination.ts';
import { withMigrationLock } from '../../migrate/lock.ts';
import { type Destination, migrate } from '../../migrate/migrate.ts';
import { rollBack } from '../../migrate/roll-back.ts';
import type { Report } from '../../output.ts';
import { commandLine } from '../../shells/shells.ts';

export const command: Command = {
  summary: 'move the sessions to another store, also while the server runs',
  operands: [['<store>', 'where they are to live: embedded, postgres or redis']],
  options: [
    environmentOption,
    ['--store-url <url>', 'where that store is, without a password (default: NEXT_STORE_URL, which may have one)'],
    ['--dry-run', 'print what would be done, and do nothing'],
    ['--rollback', 'take back a move that has not begun to move sessions'],
    ['--offline', 'take packages from npm’s cache only'],
  ],
  isHandedOver: true,
  async run(input, context) {
    const { system } = context;
    const environment = await findEnvironment(system, text(input, 'env'));
    if (flag(input, 'dryRun')) return plan(input, context, environment);
    const { directory } = environment;
    // Another one may have gone on with it until it let go of the lock.
    return withMigrationLock(environment, async () => work(input, context, await findEnvironment(system, directory)));
  },
};

async function plan(input: Input, context: Context, environment: Environment): Promise<Report> {
  await decide(input, context, environment);
  const fact = flag(input, 'rollback') ? 'would not move any more' : 'would move';
  return report(input, context, environment, { status: 'planned', fact });
}

async function work(input: Input, context: Context, environment: Environment): Promise<Report> {
  const destination = await decide(input, context, environment);
  const { system, output } = context;
  const options = { offline: flag(input, 'offline'), signal: system.catchInterrupts() };
  if (flag(input, 'rollback')) {
    await output.working((step) => rollBack(environment, { ...options, step }));
    return report(input, context, environment, { status: 'rolled-back', fact: 'do not move' });
  }
  warnOfOthers(context, environment);
  try {
    await output.working((step) =>
      migrate(system, environment, destination, { ...options, step, warn: (line) => output.warn(line) }),
    );
  } catch (error) {
    await tellHowToGoOn(context, environment, destination.store);
    throw error;
  }
  return report(input, context, environment, { status: 'migrated', fact: 'have moved' });
}

function decide(input: Input, { system }: Context, environment: Environment): Promise<Destination> {
  const choose = flag(input, 'rollback') ? decideRollback : decideDestination;
  return choose(system, environment, input.operands[0] ?? '', text(input, 'storeUrl'));
}

/** @param before the environment as it was when the command began */
async function report(
  input: Input,
  { system, output }: Context,
  before: Environment,
  { status, fact }: { status: string; fact: string },
): Promise<Report> {
  const { directory, marker } = before;
  const from = marker.migration?.from ?? marker.store;
  const [to = ''] = input.operands;
  const now = await findEnvironment(system, directory);
  const { live: sessions } = await withStore(system, now, (store) => store.tally(system.now()));
  const subject = `The sessions of ${output.style.bold(promptOf(before))}`;
  return {
    data: { status, directory, from, to, sessions },
    text: `${subject} ${fact} from ${from} to ${to} (${sessions}).`,
  };
}

function warnOfOthers({ output }: Context, { marker }: Environment): void {
  if (!storeKinds[marker.store]?.address) return;
  output.warn('Servers that run from another directory, or on another machine, do not follow: they must be stopped.');
}

async function tellHowToGoOn({ system, output }: Context, { directory }: Environment, store: string): Promise<void> {
  const { migration } = (await findEnvironment(system, directory)).marker;
  if (!migration) return;
  const again = await commandLine(system, directory, 'store migrate', store);
  const back = migration.phase === 'prepare' ? '; to take it back, add --rollback' : '';
  output.note(`No session is lost: the server works with both stores. To go on, type: ${again}${back}`);
}
