import { flag } from '../../command.ts';
import { retire, type Uses } from '../../secrets/retire.ts';
import { describeOtherServer } from '../../secrets/secret-summary.ts';
import { onEnvironment } from '../on-environment.ts';

export const command = onEnvironment({
  summary: 'remove an old secret that no session uses any more',
  examples: ['sessapp secret retire 1a2b3c4d'],
  operands: [['<id>', 'the id of the secret in secret list, or its beginning']],
  options: [['--force', 'retire it even if sessions use it; they are logged out']],
  async run({ input, system, output, environment, name }) {
    const [given = ''] = input.operands;
    const force = flag(input, 'force');
    const { id, left, uses } = await output.working((step) => retire(system, environment, given, force, step));
    const other = await describeOtherServer(system, environment);
    if (other !== undefined) output.warn(other);
    const fact = `${output.style.cyan(id)} of ${name} is retired; ${describeUses(uses)}`;
    return {
      data: { status: 'retired', id, secrets: left, loggedOut: uses ? uses.certain : null },
      text: `${fact}. A running server rejects it within 2 s.`,
    };
  },
});

function describeUses(uses: Uses | undefined): string {
  if (!uses) return 'the store could not be read; clients whose cookies it signed are logged out';
  const { certain, possible } = uses;
  if (certain + possible === 0) return 'no session used it';
  return `sessions logged out: ${certain}${possible > 0 ? `, and perhaps ${possible} more` : ''}`;
}
