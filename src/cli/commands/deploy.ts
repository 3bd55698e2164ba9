import { relative } from 'node:path';
import { UsageError } from '../../errors.ts';
import type { System } from '../../system.ts';
import { flag, type Input } from '../command.ts';
import { verifyChoice } from '../nearest.ts';
import type { Output } from '../output.ts';
import {
  type DeployedFile,
  deployTargets,
  planDeployment,
  policyTarget,
  writeDeployment,
} from '../scaffold/deployment.ts';
import { nearPath, quoteLine } from '../shells/shells.ts';
import { onEnvironment } from './on-environment.ts';

export const command = onEnvironment({
  summary: 'write the files to deploy an environment; replace no existing file',
  examples: ['sessapp deploy compose -e myenv', 'sessapp deploy kubernetes --network-policy --dry-run'],
  operands: [['[target]', `where to deploy: ${deployTargets.join(', ')}`, () => deployTargets]],
  options: [
    ['--network-policy', `with ${policyTarget}: also write a NetworkPolicy that allows only HTTP in`],
    ['--dry-run', 'print the files, but write nothing'],
  ],
  verify: ({ operands: [target], options }) => verifyTarget(target, options),
  async run({ input, system, output, environment, name }) {
    const [target = ''] = input.operands;
    const deployment = await planDeployment(environment, target, flag(input, 'networkPolicy'));
    const { files, next, warnings } = deployment;
    for (const warning of warnings) output.warn(warning);
    const isDryRun = flag(input, 'dryRun');
    if (!isDryRun) await writeDeployment(environment, deployment);
    const status = isDryRun ? 'planned' : 'deployed';
    const shown = files.map(({ path, state, content }) => ({ path, state, ...(isDryRun && { content }) }));
    const lines = [name, ...render(files, isDryRun, output)];
    if (!isDryRun) lines.push(...(await renderNext(system, environment.directory, next, output)));
    return { data: { status, target, files: shown }, text: lines.join('\n') };
  },
});

async function verifyTarget(target: string | undefined, { networkPolicy }: Input['options']): Promise<void> {
  if (target !== undefined) {
    await verifyChoice('target', target, deployTargets);
    if (!networkPolicy || target === policyTarget) return;
    throw new UsageError(`--network-policy is only for ${policyTarget}.`, `Leave it out, or deploy ${policyTarget}.`);
  }
  const choices = deployTargets.map((name) => `deploy ${name}`).join(', ');
  throw new UsageError('No target given.', `Choose one: ${choices}.`);
}

function render(files: DeployedFile[], isDryRun: boolean, { style }: Output): string[] {
  const words = {
    written: isDryRun ? 'would be written' : 'written',
    unchanged: 'exists already',
    kept: 'exists already with other content; not changed',
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

async function renderNext(system: System, directory: string, next: string[], { style }: Output): Promise<string[]> {
  const isHere = relative(system.cwd, directory) === '';
  const enter = isHere ? [] : [await quoteLine(system, 'cd', nearPath(system.cwd, directory))];
  return ['Next:', ...[...enter, ...next].map((line) => `  ${style.cyan(line)}`)];
}
