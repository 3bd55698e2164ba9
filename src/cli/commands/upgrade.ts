import { basename } from 'node:path';
import {
  type Command,
  type Context,
  environmentOperand,
  environmentOption,
  flag,
  type Input,
  text,
} from '../command.ts';
import { findServed } from '../control/running-server.ts';
import { remember } from '../environment/known.ts';
import type { Report } from '../output.ts';
import { commandLine } from '../shells/shells.ts';
import { isUpToDate, planUpgrade, type Upgradable, type UpgradePlan } from '../upgrade/plan.ts';
import { recoverUpgrade } from '../upgrade/swap.ts';
import { findUpgradable, undoUpgrade, upgrade, verifyUpgradable } from '../upgrade/upgrade.ts';
import { visible } from '../visible.ts';

export const command: Command = {
  summary: 'give an environment this sessapp; what you changed stays',
  examples: ['sessapp upgrade myenv --dry-run', 'sessapp upgrade myenv --undo'],
  operands: [environmentOperand],
  options: [
    environmentOption,
    ['--dry-run', 'print what would be done, and do nothing'],
    ['--undo', 'bring the state before the last upgrade back'],
    ['--offline', 'use what is on this machine only: a snapshot, or npm’s cache'],
  ],
  async run(input, context) {
    const { system } = context;
    const named = [input.operands[0], text(input, 'env')];
    const isDryRun = flag(input, 'dryRun');
    const { directory } = await findUpgradable(system, ...named);
    if (!isDryRun) await recoverUpgrade(directory);
    const environment = await findUpgradable(system, directory);
    if (flag(input, 'undo')) return undo(context, environment, isDryRun);
    await verifyUpgradable(system, environment);
    if (!isDryRun) await remember(system, directory);
    const plan = await planUpgrade(environment);
    if (isUpToDate(plan)) return report(context, plan, 'unchanged', 'has this sessapp already; nothing changed.');
    if (isDryRun) return report(context, plan, 'planned', `would get sessapp ${plan.to} (it has ${plan.from}).`);
    await make(input, context, environment, plan);
    return report(context, plan, 'upgraded', `has sessapp ${plan.to} now (it had ${plan.from}).`);
  },
};

async function make(input: Input, { system, output }: Context, environment: Upgradable, plan: UpgradePlan) {
  const offline = flag(input, 'offline');
  // From here on a signal ends it when it has cleared up.
  system.catchInterrupts();
  await output.working((step) => upgrade(system, environment, plan, offline, step));
}

async function report(context: Context, plan: UpgradePlan, status: string, fact: string): Promise<Report> {
  const { bold } = context.output.style;
  const { directory, from, to, written, removed, kept, displaced, needsLock } = plan;
  const paths = [...written.keys(), ...(needsLock ? ['package-lock.json'] : [])].sort();
  const data = { status, directory, from, to, written: paths, removed, kept, displaced };
  const lines = [
    `${bold(visible(basename(directory)))} ${fact}`,
    ...list('Written', paths),
    ...list('Removed', removed),
    ...list(
      'Changed by you, and kept',
      kept.map(({ path }) => path),
    ),
    ...kept.flatMap(({ news }) => (news === undefined ? [] : [news.trimEnd()])),
    ...list('Changed by you, and replaced; your versions are in .sessapp/previous/former/files', displaced),
    ...(status === 'upgraded' ? await renderNext(context, directory) : []),
  ];
  return { data: { ...data, kept: kept.map(({ path, news = null }) => ({ path, news })) }, text: lines.join('\n') };
}

const shownPaths = 20;

function list(title: string, paths: string[]): string[] {
  if (paths.length === 0) return [];
  const more = paths.length - shownPaths;
  const shown = paths.slice(0, shownPaths).map(visible).join(', ');
  return [`${title}: ${shown}${more > 0 ? ` and ${more} more` : ''}`];
}

async function renderNext({ system }: Context, directory: string): Promise<string[]> {
  const { server } = await findServed(system, directory, undefined);
  return [
    ...(server ? [`Its server runs the code from before: ${await commandLine(system, directory, 'reload')}`] : []),
    `To take it back: ${await commandLine(system, directory, 'upgrade', '--undo')}`,
  ];
}

async function undo({ system, output }: Context, environment: Upgradable, isDryRun: boolean): Promise<Report> {
  const { directory } = environment;
  const version = await undoUpgrade(system, environment, isDryRun);
  const fact = isDryRun ? 'would have' : 'has';
  return {
    data: { status: isDryRun ? 'planned' : 'undone', directory, from: environment.marker.sessapp, to: version },
    text: `${output.style.bold(visible(basename(directory)))} ${fact} sessapp ${version} again.`,
  };
}
