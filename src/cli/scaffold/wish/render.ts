import { relative } from 'node:path';
import type { Context } from '../../command.ts';
import { promptOf } from '../../environment/find.ts';
import { activationLine, commandLine, currentShell } from '../../shells/shells.ts';
import type { Plan } from '../plan.ts';

/** What was made, and what to type next. */
export async function renderMade({ system, output }: Context, plan: Plan, durationMs: number): Promise<string> {
  const { bold, cyan, dim } = output.style;
  const { directory, kept, install } = plan;
  const next = [
    activationLine(system, await currentShell(system), directory),
    ...(install ? [] : [await commandLine(system, directory, 'install')]),
    await commandLine(system, directory, 'serve'),
  ];
  const where = relative(system.cwd, directory) === '' ? 'here' : directory;
  const seconds = (durationMs / 1000).toFixed(1);
  return [
    `Made the environment ${bold(promptOf(plan))} (${where}) in ${seconds} s.`,
    ...(kept.length > 0 ? [dim(`Kept as they are: ${kept.join(', ')}`)] : []),
    'Next:',
    ...next.map((line) => `  ${cyan(line)}`),
  ].join('\n');
}

/** What would be done. */
export function renderPlan(plan: Plan): string {
  const { directory, action, files, kept, node, install, git } = plan;
  return [
    `Would ${action === 'create' ? 'make' : 'fill'} ${directory} with`,
    ...files.map(({ path }) => `  ${path}`),
    ...(kept.length > 0 ? [`Would keep as they are: ${kept.join(', ')}`] : []),
    ...(install ? ['Would install the dependencies with npm'] : []),
    ...(install && node !== null ? [`Would install Node.js ${node}`] : []),
    ...(git ? ['Would make it a git repository'] : []),
  ].join('\n');
}
