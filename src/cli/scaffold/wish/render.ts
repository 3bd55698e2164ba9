import { relative } from 'node:path';
import type { Context } from '../../command.ts';
import { promptOf } from '../../environment/find.ts';
import { activationLine, commandLine, currentShell } from '../../shells/shells.ts';
import type { Made } from '../in-place.ts';
import type { Plan } from '../plan.ts';

/** What was made, and what to type next. */
export async function renderMade(
  { system, output }: Context,
  plan: Plan,
  { replacedIn }: Made,
  durationMs: number,
): Promise<string> {
  const { bold, cyan, dim } = output.style;
  const { directory, kept, install, action } = plan;
  const next = [
    activationLine(system, await currentShell(system), directory),
    ...(install ? [] : [await commandLine(system, directory, 'install')]),
    await commandLine(system, directory, 'serve'),
  ];
  const where = relative(system.cwd, directory) === '' ? 'here' : directory;
  const seconds = (durationMs / 1000).toFixed(1);
  return [
    `Made the environment ${bold(promptOf(plan))} ${action === 'clear' ? 'anew ' : ''}(${where}) in ${seconds} s.`,
    ...(kept.length > 0 ? [dim(`Kept as they are: ${kept.join(', ')}`)] : []),
    ...(replacedIn === undefined ? [] : [`What had been changed of the old one is in ${replacedIn}`]),
    'Next:',
    ...next.map((line) => `  ${cyan(line)}`),
  ].join('\n');
}

/** What would be done. */
export function renderPlan(plan: Plan): string {
  const { directory, action, files, kept, replaced, node, install, git } = plan;
  const verbs = { create: 'make', fill: 'fill', clear: 'make anew' };
  return [
    `Would ${verbs[action]} ${directory} with`,
    ...files.map(({ path }) => `  ${path}`),
    ...(kept.length > 0 ? [`Would keep as they are: ${kept.join(', ')}`] : []),
    ...(replaced.length > 0 ? [`Would put aside, as they have been changed: ${replaced.join(', ')}`] : []),
    ...(install ? ['Would install the dependencies with npm'] : []),
    ...(install && node !== null ? [`Would install Node.js ${node}`] : []),
    ...(git ? ['Would make it a git repository'] : []),
  ].join('\n');
}
