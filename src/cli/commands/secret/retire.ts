import { type Command, type Context, environmentOption, flag, text } from '../../command.ts';
import { type Environment, findEnvironment, promptOf } from '../../environment/find.ts';
import { describeOtherServer } from '../../secrets/keys.ts';
import { type Retirement, retire, type Uses } from '../../secrets/retire.ts';

export const command: Command = {
  summary: 'take out an old secret that signs no session any more',
  operands: [['<id>', 'the id of its key, as in secret list, or the beginning of it']],
  options: [environmentOption, ['--force', 'also when sessions are still signed by it: they are logged out']],
  isHandedOver: true,
  async run(input, context) {
    const { system, output } = context;
    const environment = await findEnvironment(system, text(input, 'env'));
    const [given = ''] = input.operands;
    const retirement = await output.working((step) => retire(system, environment, given, flag(input, 'force'), step));
    const { id, left, uses } = retirement;
    const other = await describeOtherServer(system, environment);
    if (other !== undefined) output.warn(other);
    const loggedOut = uses ? uses.certain : null;
    return { data: { status: 'retired', id, keys: left, loggedOut }, text: describe(context, environment, retirement) };
  },
};

function describe({ output: { style } }: Context, environment: Environment, { id, uses }: Retirement): string {
  const name = style.bold(promptOf(environment));
  return `${style.cyan(id)} of ${name} is retired; ${describeUses(uses)}. A running server follows within 2 s.`;
}

function describeUses(uses: Uses | undefined): string {
  if (!uses) return 'the store could not be read, and who had a cookie of it is logged out';
  const { certain, possible } = uses;
  if (certain + possible === 0) return 'it signed no session';
  return `sessions logged out: ${certain}${possible > 0 ? `, and perhaps ${possible} more` : ''}`;
}
