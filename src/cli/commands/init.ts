import { UsageError, UserError } from '../../errors.ts';
import { storeNames } from '../../settings/stores.ts';
import { type Command, type Context, flag, type Input } from '../command.ts';
import { type Environment, promptOf } from '../environment/find.ts';
import { remember } from '../environment/known.ts';
import { verifyReady } from '../environment/readiness.ts';
import type { Report } from '../output.ts';
import { findSource } from '../scaffold/build.ts';
import { createEnvironment } from '../scaffold/create.ts';
import { isInRepository } from '../scaffold/git.ts';
import { recover } from '../scaffold/in-place.ts';
import { listTemplates } from '../scaffold/layers.ts';
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
  operands: [['[dir]', 'the directory of the new environment', 'directory']],
  options: [
    [
      '--template <name>',
      `the application to start from: minimal, accounts (default: ${defaults.template})`,
      listTemplates,
    ],
    [
      '--store <name>',
      `where sessions are stored: ${storeNames.join(', ')} (default: ${defaults.store})`,
      () => storeNames,
    ],
    ['--store-url <url>', 'the address of the store, without a password (default: STORE_URL, which may contain one)'],
    ['--typescript', 'write TypeScript instead of JavaScript'],
    ['--node <version>', 'give the environment its own Node.js of this version, such as 24'],
    ['--prompt <text>', 'the name in the activated prompt (default: the name of the directory)'],
    ['--allow-existing', 'add missing files to a directory that has files; replace none of them'],
    ['--dry-run', 'print what would be done, but change nothing'],
    ['--offline', 'use what is on this machine only: a snapshot, or npm’s cache'],
    ['--no-install', 'write the files, but install no dependencies'],
    ['--git', 'make the environment a git repository'],
    ['--serve', 'run the server when the environment is ready'],
  ],
  async run(input, context) {
    if (flag(input, 'serve') && input.options.install === false)
      throw new UsageError('--serve and --no-install cannot be combined.', 'Leave one of them out.');
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

/** Reports an environment that exists already, if it is what the command line asks for. */
async function reuse(
  input: Input,
  context: Context,
  environment: Environment,
  options: InitOptions,
  fact = 'is already an environment; nothing changed.',
): Promise<Report> {
  const { directory, marker } = environment;
  const differences = findDifferences(marker, options);
  if (differences.length > 0) {
    const fact = `${directory} is already an environment, with ${differences.join(' and ')}.`;
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

// The environment's sessions would stay in its current store.
async function adviseMove({ system }: Context, { directory, marker }: Environment, { store, storeUrl }: InitOptions) {
  if (store === undefined || store === marker.store) return '';
  const words = [store, ...(storeUrl === undefined ? [] : ['--store-url', storeUrl])];
  return ` To move its sessions, type: ${await commandLine(system, directory, 'store migrate', ...words)}`;
}

async function verifyInRepository({ system }: Context, directory: string): Promise<void> {
  if (await isInRepository(directory)) return;
  const line = await quoteLine(system, 'git', '-C', nearPath(system.cwd, directory), 'init');
  throw new UserError(
    'exists',
    `${directory} is already an environment, but not in a git repository.`,
    `Type: ${line}`,
  );
}

async function make(input: Input, context: Context, plan: Plan, options: InitOptions): Promise<Report> {
  const { system, output } = context;
  const startMs = system.now();
  // From here on, a signal ends the command after it has cleaned up.
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

// A package.json or node_modules that existed before may lack something.
async function warnUnlessReady({ system, output }: Context, environment: Environment): Promise<void> {
  await verifyReady(system, environment).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    output.warn(`${error.message} ${error.hint ?? ''}`.trimEnd());
  });
}

// Another process made the target first.
async function yieldTo(input: Input, context: Context, options: InitOptions): Promise<Report> {
  const target = await inspectTarget(context.system, options.directory);
  if (target.kind === 'environment') {
    return reuse(input, context, target, options, 'was made by another sessapp in the meantime; nothing changed.');
  }
  throw new UserError(
    'target-not-empty',
    `Another process created ${options.directory} while the environment was being made.`,
    'Check what is in it, then run the same command again.',
  );
}

async function serveIfAsked(input: Input, context: Context, environment: Environment, report: Report): Promise<Report> {
  if (!flag(input, 'serve') || flag(input, 'dryRun')) return report;
  // A signal that came after the environment was made still ends the command.
  context.system.catchInterrupts().throwIfAborted();
  const { data, text = '' } = report;
  context.output.event({ event: String(data?.status), ...data }, text);
  return serve(context, environment);
}
