import { UsageError } from '../../errors.ts';
import { verifyPackageJson } from '../environment/readiness.ts';
import { verifyChoice } from '../nearest.ts';
import { applyAddition, planAddition } from '../scaffold/addition.ts';
import { listAdditions } from '../scaffold/layers.ts';
import { onEnvironment } from './on-environment.ts';

export const command = onEnvironment({
  summary: 'add a feature to the application; replace no existing file',
  examples: ['sessapp add passkeys', 'sessapp add passkeys -e myenv'],
  operands: [['[addition]', 'the feature to add: passkeys (for the template accounts)', listAdditions]],
  verify: ({ operands: [addition] }) => verifyAddition(addition),
  async run({ input, system, output, environment, name }) {
    const [addition = ''] = input.operands;
    // From here on, a signal ends the command after it has cleaned up.
    system.catchInterrupts();
    await verifyPackageJson(system, environment);
    const plan = await planAddition(environment, addition);
    const files = plan.files.map(({ path, state }) => ({ path, state }));
    const isPresent = plan.packages.length === 0 && files.every(({ state }) => state === 'unchanged');
    const data = { status: isPresent ? 'present' : 'added', addition, packages: plan.packages, files };
    if (isPresent) return { data, text: `${name} already has ${addition}.` };
    await output.working(async (step) => {
      step(`Adding ${[addition, ...plan.packages].join(', ')}`);
      await applyAddition(system, environment, plan);
    });
    const written = files.filter(({ state }) => state === 'written').map(({ path }) => `  ${path}: written`);
    return { data, text: [`${name} has ${addition} now.`, ...written, plan.next].join('\n') };
  },
});

async function verifyAddition(addition: string | undefined): Promise<void> {
  if (addition !== undefined) return verifyChoice('addition', addition, listAdditions());
  throw new UsageError(
    'No addition given.',
    `Choose one: ${listAdditions()
      .map((name) => `add ${name}`)
      .join(', ')}.`,
  );
}
