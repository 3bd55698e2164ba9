import { UsageError } from '../../errors.ts';
import { type Command, environmentOperand, environmentOption, flag, text } from '../command.ts';
import { findEnvironment, promptOf } from '../environment/find.ts';
import { verifyChoice } from '../nearest.ts';
import type { Output } from '../output.ts';
import { type DeployedFile, deployTargets, planDeployment, writeDeployment } from '../scaffold/deployment.ts';

export const command: Command = {
  summary: 'write the files that run an environment elsewhere; none that is there is replaced',
  operands: [['[target]', deployTargets.join(', ')], environmentOperand],
  options: [environmentOption, ['--dry-run', 'print the files, and write nothing']],
  isHandedOver: true,
  async run(input, { system, output }) {
    const [target, directory] = input.operands;
    if (target === undefined)
      throw new UsageError(
        'No target given.',
        `Choose one: ${deployTargets.map((name) => `deploy ${name}`).join(', ')}.`,
      );
    await verifyChoice('target', target, deployTargets);
    const environment = await findEnvironment(system, directory, text(input, 'env'));
    const files = await planDeployment(environment, target);
    const isDryRun = flag(input, 'dryRun');
    if (!isDryRun) await writeDeployment(environment, target, files);
    const status = isDryRun ? 'planned' : 'deployed';
    const shown = files.map(({ path, state, content }) => ({ path, state, ...(isDryRun && { content }) }));
    const name = output.style.bold(promptOf(environment));
    return { data: { status, target, files: shown }, text: [name, ...render(files, isDryRun, output)].join('\n') };
  },
};

function render(files: DeployedFile[], isDryRun: boolean, { style }: Output): string[] {
  const words = {
    written: isDryRun ? 'would be written' : 'written',
    unchanged: 'is there already',
    kept: 'is there already, with other content: left as it is',
  };
  return files.flatMap(({ path, state, content }) => [
    `  ${path}: ${state === 'kept' ? style.yellow(words.kept) : words[state]}`,
    ...(isDryRun && state !== 'unchanged'
      ? content
          .trimEnd()
          .split('\n')
          .map((line) => style.dim(`    ${line}`))
      : []),
  ]);
}
