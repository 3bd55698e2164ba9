import { UsageError } from '../../errors.ts';
import { flag } from '../command.ts';
import { verifyChoice } from '../nearest.ts';
import type { Output } from '../output.ts';
import { type DeployedFile, deployTargets, planDeployment, writeDeployment } from '../scaffold/deployment.ts';
import { onEnvironment } from './on-environment.ts';

export const command = onEnvironment({
  summary: 'write the files that run an environment elsewhere; none that is there is replaced',
  operands: [['[target]', deployTargets.join(', ')]],
  options: [['--dry-run', 'print the files, and write nothing']],
  verify: ({ operands: [target] }) => verifyTarget(target),
  async run({ input, output, environment, name }) {
    const [target = ''] = input.operands;
    const files = await planDeployment(environment, target);
    const isDryRun = flag(input, 'dryRun');
    if (!isDryRun) await writeDeployment(environment, target, files);
    const status = isDryRun ? 'planned' : 'deployed';
    const shown = files.map(({ path, state, content }) => ({ path, state, ...(isDryRun && { content }) }));
    return { data: { status, target, files: shown }, text: [name, ...render(files, isDryRun, output)].join('\n') };
  },
});

async function verifyTarget(target: string | undefined): Promise<void> {
  if (target !== undefined) return verifyChoice('target', target, deployTargets);
  const choices = deployTargets.map((name) => `deploy ${name}`).join(', ');
  throw new UsageError('No target given.', `Choose one: ${choices}.`);
}

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
