import { relative } from 'node:path';
import type { Context } from '../../command.ts';
import { promptOf } from '../../environment/find.ts';
import { activationLine, commandLine, currentShell } from '../../shells/shells.ts';
import type { Plan } from '../plan.ts';

/** The summary of a new environment, and the commands to type next. */
export async function renderMade(
  { system, output }: Context,
  plan: Plan,
  { durationMs, isServed }: { durationMs: number; isServed: boolean },
): Promise<string> {
  const { bold, cyan, dim } = output.style;
  const { directory, kept, install } = plan;
  const next = [
    activationLine(system, await currentShell(system), directory),
    ...(install ? [] : [await commandLine(system, directory, 'install')]),
    ...(isServed ? [] : [await commandLine(system, directory, 'serve')]),
  ];
  const where = relative(system.cwd, directory) === '' ? 'here' : directory;
  const seconds = (durationMs / 1000).toFixed(1);
  return [
    `Made the environment ${bold(promptOf(plan))} (${where}) in ${seconds} s.`,
    ...(kept.length > 0 ? [dim(`Unchanged: ${kept.join(', ')}`)] : []),
    // The server keeps this terminal.
    isServed ? 'Next, in another terminal:' : 'Next:',
    ...next.map((line) => `  ${cyan(line)}`),
  ].join('\n');
}

/** The plan of a dry run. @param source of the dependencies */
export function renderPlan(plan: Plan, source: 'snapshot' | 'npm' | undefined): string {
  const { directory, action, files, kept, node, install, offline, git } = plan;
  const origin = { snapshot: 'from a snapshot', npm: offline ? 'with npm, from its cache' : 'with npm' };
  return [
    `Would ${action === 'create' ? 'make' : 'fill'} ${directory} with`,
    ...files.map(({ path }) => `  ${path}`),
    ...(kept.length > 0 ? [`Would not change: ${kept.join(', ')}`] : []),
    ...(source ? [`Would install the dependencies ${origin[source]}`] : []),
    ...(install && node !== null ? [`Would install Node.js ${node}`] : []),
    ...(git ? ['Would make it a git repository'] : []),
  ].join('\n');
}
