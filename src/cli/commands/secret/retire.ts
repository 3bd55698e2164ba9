import { flag } from '../../command.ts';
import { describeOtherServer } from '../../secrets/keys.ts';
import { retire, type Uses } from '../../secrets/retire.ts';
import { onEnvironment } from '../on-environment.ts';

export const command = onEnvironment({
  summary: 'take out an old secret that signs no session any more',
  examples: ['sessapp secret retire 1a2b3c4d'],
  operands: [['<id>', 'the id of its key, as in secret list, or the beginning of it']],
  options: [['--force', 'also when sessions are still signed by it: they are logged out']],
  async run({ input, system, output, environment, name }) {
    const [given = ''] = input.operands;
    const force = flag(input, 'force');
    const { id, left, uses } = await output.working((step) => retire(system, environment, given, force, step));
    const other = await describeOtherServer(system, environment);
    if (other !== undefined) output.warn(other);
    const fact = `${output.style.cyan(id)} of ${name} is retired; ${describeUses(uses)}`;
    return {
      data: { status: 'retired', id, keys: left, loggedOut: uses ? uses.certain : null },
      text: `${fact}. A running server follows within 2 s.`,
    };
  },
});

function describeUses(uses: Uses | undefined): string {
  if (!uses) return 'the store could not be read, and clients whose cookies it signed are logged out';
  const { certain, possible } = uses;
  if (certain + possible === 0) return 'it signed no session';
  return `sessions logged out: ${certain}${possible > 0 ? `, and perhaps ${possible} more` : ''}`;
}
