import { UsageError, UserError } from '../../errors.ts';
import { type Command, type Context, flag, type Input } from '../command.ts';
import { type Environment, promptOf } from '../environment/find.ts';
import { remember } from '../environment/known.ts';
import { verifyReady } from '../environment/readiness.ts';
import type { Report } from '../output.ts';
import { findSource } from '../scaffold/build.ts';
import { createEnvironment } from '../scaffold/create.ts';
import { isInRepository } from '../scaffold/git.ts';
import { recover } from '../scaffold/in-place.ts';
import { defaults, type InitOptions, readInitOptions } from '../scaffold/options/init-options.ts';
import { findDifferences, planInit } from '../scaffold/options/plan-init.ts';
import { renderMade, renderPlan } from '../scaffold/options/render.ts';
import { verifySameStoreUrl } from '../scaffold/options/store-url.ts';
import { type Plan, summarize } from '../scaffold/plan.ts';
import { inspectTarget } from '../scaffold/target.ts';
import { commandLine, nearPath, quoteLine } from '../shells/shells.ts';
import { serve } from './serve.ts';

export const command: Command = {
  summary: 'make an environment',
  examples: ['sessapp init myenv', 'sessapp init myenv --store redis --store-url redis://localhost:6379'],
  operands: [['[dir]', 'the directory to make']],
  options: [
    ['--template <name>', `the application to start from (default: ${defaults.template})`],
    ['--store <name>', `where sessions live (default: ${defaults.store})`],
    ['--store-url <url>', 'where the store is, without a password (default: STORE_URL, which may have one)'],
    ['--typescript', 'write the TypeScript source instead of JavaScript'],
    ['--node <version>', 'give the environment its own Node.js, such as 24'],
    ['--prompt <text>', 'what an activated prompt shows (default: the name of the directory)'],
    ['--allow-existing', 'add what is missing to a directory with files; none of them is replaced'],
    ['--dry-run', 'print what would be done, and do nothing'],
    ['--offline', 'use what is on this machine only: a snapshot, or npm’s cache'],
    ['--no-install', 'write the files only'],
    ['--git', 'make it a git repository'],
    ['--serve', 'run its server when it is made'],
  ],
  async run(input, context) {
    if (flag(input, 'serve') && input.options.install === false)
      throw new UsageError('--serve and --no-install do not go together.', 'Leave one of them out.');
    const options = await readInitOptions(input, context);
    const isDryRun = flag(input, 'dryRun');
    if (!isDryRun) await recover(options.directory);
    const target = await inspectTarget(context.system, options.directory);
    if (target.kind === 'environment') return reuse(input, context, target, options);
    const plan = await planInit(context.system, target, options);
    for (const warning of plan.warnings) context.output.warn(warning);
    if (isDryRun) {
      const text = renderPlan(plan, await findSource(context.system, plan));
      return { data: { status: 'planned', plan: summarize(plan) }, text };
    }
    return make(input, context, plan, options);
  },
};

/** The environment is there: fine, if it is the one that was asked for. */
async function reuse(
  input: Input,
  context: Context,
  environment: Environment,
  options: InitOptions,
  fact = 'is an environment already; nothing changed.',
): Promise<Report> {
  const { directory, marker } = environment;
  const differences = findDifferences(marker, options);
  if (differences.length > 0) {
    const fact = `${directory} is an environment already, with ${differences.join(' and ')}.`;
    throw new UserError('exists', fact, `Name another directory.${await adviseMove(context, environment, options)}`);
  }
  if (flag(input, 'git')) await verifyInRepository(context, directory);
  await verifySameStoreUrl(context.system, environment, options.storeUrl);
  if (!flag(input, 'dryRun')) await remember(context.system, directory);
  const { template, store, language, node = null } = marker;
  const data = { status: 'unchanged', directory, template, store, language, node };
  return serveIfAsked(input, context, environment, {
    data,
    text: `${context.output.style.bold(promptOf(environment))} ${fact}`,
  });
}

// Its sessions would stay in the store that it has.
async function adviseMove({ system }: Context, { directory, marker }: Environment, { store, storeUrl }: InitOptions) {
  if (store === undefined || store === marker.store) return '';
  const words = [store, ...(storeUrl === undefined ? [] : ['--store-url', storeUrl])];
  return ` To move its sessions, type: ${await commandLine(system, directory, 'store migrate', ...words)}`;
}

async function verifyInRepository({ system }: Context, directory: string): Promise<void> {
  if (await isInRepository(directory)) return;
  const line = await quoteLine(system, 'git', '-C', nearPath(system.cwd, directory), 'init');
  throw new UserError('exists', `${directory} is an environment already, in no git repository.`, `Type: ${line}`);
}

async function make(input: Input, context: Context, plan: Plan, options: InitOptions): Promise<Report> {
  const { system, output } = context;
  const startMs = system.now();
  // From here on a signal ends it when it has cleared up.
  system.catchInterrupts();
  const made = await output.working((step) => createEnvironment(system, plan, step));
  if (!made) return yieldTo(input, context, options);
  await remember(system, plan.directory);
  if (plan.install) await warnUnlessReady(context, plan);
  const durationMs = system.now() - startMs;
  const { directory, marker, node } = plan;
  const { template, store, language } = marker;
  const summary = { status: 'created', directory, template, store, language, node, durationMs };
  const data = { ...summary, plan: summarize(plan) };
  const text = await renderMade(context, plan, { durationMs, isServed: flag(input, 'serve') });
  return serveIfAsked(input, context, plan, { data, text });
}

// A package.json or node_modules that was there may lack something.
async function warnUnlessReady({ system, output }: Context, environment: Environment): Promise<void> {
  await verifyReady(system, environment).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    output.warn(`${error.message} ${error.hint ?? ''}`.trimEnd());
  });
}

// Another process was faster.
async function yieldTo(input: Input, context: Context, options: InitOptions): Promise<Report> {
  const target = await inspectTarget(context.system, options.directory);
  if (target.kind === 'environment') {
    return reuse(input, context, target, options, 'was made by another sessapp meanwhile; this one changed nothing.');
  }
  throw new UserError(
    'target-not-empty',
    `${options.directory} appeared while the environment was made.`,
    'Look at what is there, then run the same command again.',
  );
}

async function serveIfAsked(input: Input, context: Context, environment: Environment, report: Report): Promise<Report> {
  if (!flag(input, 'serve') || flag(input, 'dryRun')) return report;
  // A signal that came too late to leave nothing behind still ends the command.
  context.system.catchInterrupts().throwIfAborted();
  const { data, text = '' } = report;
  context.output.event({ event: String(data?.status), ...data }, text);
  return serve(context, environment);
}
