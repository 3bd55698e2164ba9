import { UsageError } from '../../../errors.ts';
import { endSessions } from '../../admin/end-sessions.ts';
import { readOwner } from '../../admin/owner.ts';
import { findSession } from '../../admin/session-ref.ts';
import { type Store, withStore } from '../../admin/store.ts';
import { renderCount } from '../../amounts.ts';
import { type Context, flag, type Input } from '../../command.ts';
import { promptOf } from '../../environment/find.ts';
import { isConfirmed } from '../../prompts.ts';
import { onEnvironment, type Work } from '../on-environment.ts';

export const command = onEnvironment({
  summary: 'end sessions for good, even while they are in use',
  examples: ['sessapp sessions destroy pLE4NH5jliO1 -e myenv', 'sessapp sessions destroy --user ann'],
  operands: [['[ref...]', 'the REF of each session in sessions list, or its beginning']],
  options: [
    ['--user <owner>', 'end all sessions of this owner (userId, username, user or passport.user)'],
    ['--all', 'end all sessions'],
    ['-y, --yes', 'with --all: do not ask'],
  ],
  verify(input, context) {
    verifyOneChoice(input);
    if (flag(input, 'all')) verifyCanConfirm(input, context);
  },
  async run(work) {
    const { system, environment, name } = work;
    const destroyed = await withStore(system, environment, (store) => destroy(work, store));
    if (destroyed === undefined) return { data: { status: 'kept', destroyed: 0 }, text: 'No session was ended.' };
    return { data: { status: 'destroyed', destroyed }, text: `Ended ${renderCount(destroyed, 'session')} of ${name}.` };
  },
});

function verifyOneChoice(input: Input): void {
  const choices = [input.operands.length > 0, readOwner(input) !== undefined, flag(input, 'all')];
  if (choices.filter(Boolean).length === 1) return;
  throw new UsageError('Which sessions? Name their REFs, or use --user <owner> or --all.', 'Use only one of these.');
}

function verifyCanConfirm(input: Input, { output }: Context): void {
  if (flag(input, 'yes') || output.interactive) return;
  throw new UsageError(
    '--all ends every session and asks first, but this is not a terminal.',
    'To confirm, add --yes.',
  );
}

/** How many sessions were ended; undefined when the user did not confirm. */
async function destroy(work: Work, store: Store): Promise<number | undefined> {
  const { input, system, output } = work;
  const nowMs = system.now();
  if (input.operands.length > 0) return destroyNamed(store, input.operands, nowMs);
  if (flag(input, 'all') && !flag(input, 'yes') && !(await confirmAll(work, store))) return undefined;
  const signal = system.catchInterrupts();
  return output.working((step) => {
    step('Ending sessions');
    return endSessions(store, readOwner(input), nowMs, signal);
  });
}

// Find all sessions before ending the first one, so that a mistyped reference changes nothing.
async function destroyNamed(store: Store, refs: string[], nowMs: number): Promise<number> {
  const keys = new Set<string>();
  for (const ref of refs) keys.add((await findSession(store, ref, nowMs)).key);
  await store.delete(...keys);
  return keys.size;
}

async function confirmAll({ system, environment }: Work, store: Store): Promise<boolean> {
  const { live, damaged } = await store.tally(system.now());
  const sessions = renderCount(live + damaged, 'session');
  return isConfirmed(system, `End all ${sessions} of ${promptOf(environment)}? Everyone is logged out.`);
}
