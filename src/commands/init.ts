import { basename, relative, resolve } from 'node:path';
import { type Command, type Context, flag, type Input, text } from '../command.ts';
import { type Environment, promptOf } from '../environment/find.ts';
import { type Marker, readMarker } from '../environment/marker.ts';
import { findRunningServer } from '../environment/server-record.ts';
import { activationLine, commandLine, currentShell } from '../environment/shells.ts';
import { UsageError, UserError } from '../errors.ts';
import { verifyChoice } from '../nearest.ts';
import type { Report } from '../output.ts';
import { ask } from '../prompts.ts';
import { createEnvironment } from '../scaffold/create.ts';
import { resolveNodeVersion, verifyStripsTypes } from '../scaffold/dependencies.ts';
import { recover } from '../scaffold/in-place.ts';
import { describeLayers, listStores, listTemplates } from '../scaffold/layers.ts';
import { makePlan, type Plan, summarize } from '../scaffold/plan.ts';
import { inspectTarget, type Target } from '../scaffold/target.ts';
import { readVersion } from '../version.ts';
import { serve } from './serve.ts';

const defaults = { template: 'minimal', store: 'embedded' };

export const command: Command = {
  summary: 'make an environment',
  operands: [['[dir]', 'the directory to make']],
  options: [
    ['--template <name>', `the application to start from (default: ${defaults.template})`],
    ['--store <name>', `where sessions live (default: ${defaults.store})`],
    ['--typescript', 'write the TypeScript source instead of JavaScript'],
    ['--node <version>', 'give the environment its own Node.js, such as 24'],
    ['--prompt <text>', 'what an activated prompt shows (default: the name of the directory)'],
    ['--allow-existing', 'add what is missing to a directory with files; none of them is replaced'],
    ['--clear', 'make an environment anew; .env, data/ and your own files stay'],
    ['--dry-run', 'print what would be done, and do nothing'],
    ['--offline', 'take packages from npm’s cache only'],
    ['--no-install', 'write the files only'],
    ['--git', 'make it a git repository'],
    ['--serve', 'run its server when it is made'],
  ],
  async run(input, context) {
    const answers = await answersOf(input, context);
    await verifyAnswers(answers);
    const { directory } = answers;
    if (!flag(input, 'dryRun')) await recover(directory);
    const target = await inspectTarget(context.system, directory);
    if (target.kind === 'environment' && !flag(input, 'clear')) return reuse(input, context, target, answers);
    const plan = await decide(input, context, target, answers);
    if (flag(input, 'dryRun')) return { data: { status: 'planned', plan: summarize(plan) }, text: renderPlan(plan) };
    return make(input, context, plan);
  },
};

interface Answers {
  /** Absolute. */
  directory: string;
  template: string | undefined;
  store: string | undefined;
  node: string | undefined;
  prompt: string | undefined;
  typescript: boolean;
}

async function answersOf(input: Input, context: Context): Promise<Answers> {
  const { system, output } = context;
  const [named] = input.operands;
  const given = { template: text(input, 'template'), store: text(input, 'store') };
  const asked = named !== undefined ? { dir: named, ...given } : await askOrRefuse(context, given);
  if (asked.dir === '') throw new UsageError('The name of the directory is empty.', 'For example: sessapp init myenv');
  const answers = {
    directory: resolve(system.cwd, asked.dir),
    template: asked.template,
    store: asked.store,
    node: text(input, 'node'),
    prompt: text(input, 'prompt'),
    typescript: flag(input, 'typescript'),
  };
  if (named === undefined) output.note(`The same again: ${await equivalent(context, answers)}`);
  return answers;
}

async function askOrRefuse({ system, output }: Context, given: Pick<Answers, 'template' | 'store'>) {
  if (!output.interactive) throw new UsageError('No directory given.', 'For example: sessapp init myenv');
  const choose = async (kind: 'apps' | 'stores', message: string, initial: string): Promise<string> =>
    ask(system, { message, options: await describeLayers(kind), initial });
  return {
    dir: await ask(system, { message: 'Which directory?', initial: 'myenv' }),
    template: given.template ?? (await choose('apps', 'Which template?', defaults.template)),
    store: given.store ?? (await choose('stores', 'Where shall sessions live?', defaults.store)),
  };
}

async function equivalent({ system }: Context, answers: Answers): Promise<string> {
  const { directory, template, store, typescript, node, prompt } = answers;
  const options = Object.entries({ template, store, node, prompt }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  );
  return commandLine(system, directory, 'init', ...options, ...(typescript ? ['--typescript'] : []));
}

async function verifyAnswers({ template, store, prompt }: Answers): Promise<void> {
  if (template !== undefined) verifyChoice('template', template, await listTemplates());
  if (store !== undefined) verifyChoice('store', store, await listStores());
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a prompt must not hold
  if (prompt !== undefined && (prompt.trim() === '' || /[\u0000-\u001f\u007f-\u009f]/.test(prompt))) {
    throw new UsageError('The prompt must be a line of text.', 'For example: --prompt shop');
  }
}

/** The environment is there: fine, if it is the one that was asked for. */
async function reuse(
  input: Input,
  context: Context,
  target: Target & { kind: 'environment' },
  answers: Answers,
): Promise<Report> {
  const { directory, marker } = target;
  const differences = findDifferences(marker, answers);
  if (differences.length > 0) {
    const again = await commandLine(context.system, directory, 'init', '--clear');
    throw new UserError(
      'exists',
      `${directory} is an environment already, with ${differences.join(' and ')}.`,
      `Name another directory, or make it anew with the options you want: ${again} …`,
    );
  }
  const { template, store, language } = marker;
  const data = { status: 'unchanged', directory, template, store, language, node: marker.node ?? null };
  const name = context.output.style.bold(promptOf(target));
  return serveIfAsked(input, context, target, { data, text: `${name} is an environment already; nothing changed.` });
}

// Only what was said on the command line can differ from what is there.
function findDifferences(marker: Marker, { template, store, node, prompt, typescript }: Answers): string[] {
  const differences: string[] = [];
  if (template !== undefined && template !== marker.template) differences.push(`the template ${marker.template}`);
  if (store !== undefined && store !== marker.store) differences.push(`the store ${marker.store}`);
  if (typescript && marker.language !== 'typescript') differences.push('JavaScript');
  if (node !== undefined && !`${marker.node}.`.startsWith(`${node.replace(/^v/, '')}.`)) {
    differences.push(marker.node === undefined ? 'no Node.js of its own' : `Node.js ${marker.node}`);
  }
  if (prompt !== undefined && prompt !== marker.prompt)
    differences.push(`the prompt ${marker.prompt ?? 'of its directory'}`);
  return differences;
}

async function decide(input: Input, { system }: Context, target: Target, answers: Answers): Promise<Plan> {
  const action = await chooseAction(input, target);
  const old = target.kind === 'environment' ? target.marker : undefined;
  const { prompt = old?.prompt, typescript } = answers;
  const offline = flag(input, 'offline');
  const cwd = { directory: system.cwd, offline, cancelSignal: system.catchInterrupts() };
  const node = answers.node === undefined ? old?.node : await resolveNodeVersion(system, answers.node, cwd);
  const language = typescript ? 'typescript' : (old?.language ?? 'javascript');
  if (language === 'typescript') verifyStripsTypes(node ?? process.versions.node);
  const wish = {
    directory: target.directory,
    template: answers.template ?? old?.template ?? defaults.template,
    store: answers.store ?? old?.store ?? defaults.store,
    language,
    ...(node !== undefined && { node }),
    ...(prompt !== undefined && { prompt }),
    install: input.options.install !== false,
    offline,
    git: flag(input, 'git'),
  } as const;
  return makePlan(wish, action, await readVersion());
}

async function chooseAction(input: Input, target: Target): Promise<Plan['action']> {
  if (target.kind === 'missing') return 'create';
  const { directory } = target;
  if (target.kind === 'environment') {
    const running = await findRunningServer(target);
    if (!running) return 'clear';
    throw new UserError(
      'already-running',
      `The server of ${directory} is running.`,
      'Stop it first: sessapp stop in that directory.',
    );
  }
  if (target.entries.length === 0) return 'fill';
  if (flag(input, 'clear')) {
    throw new UserError(
      'not-an-environment',
      `${directory} is not an environment; --clear touches nothing else.`,
      'Name an environment, or a new directory.',
    );
  }
  if (flag(input, 'allowExisting')) return 'fill';
  throw new UserError(
    'target-not-empty',
    `${directory} has files in it: ${nameSome(target.entries)}.`,
    'Name a new directory, or add --allow-existing: it adds what is missing and replaces no file.',
  );
}

function nameSome(entries: string[]): string {
  const more = entries.length - 4;
  const first = entries
    .sort()
    .slice(0, 4)
    .map((name) => JSON.stringify(name).slice(1, -1));
  return first.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

async function make(input: Input, context: Context, plan: Plan): Promise<Report> {
  const { system, output } = context;
  const startMs = system.now();
  const signal = system.catchInterrupts();
  const made = await output.working((step) => createEnvironment(system, plan, signal, step));
  if (!made) return reportLostRace(input, context, plan);
  const environment = { directory: plan.directory, marker: plan.marker };
  const durationMs = system.now() - startMs;
  const { template, store, language } = plan.marker;
  const status = { create: 'created', fill: 'created', clear: 'cleared' }[plan.action];
  const report = {
    data: {
      status,
      directory: plan.directory,
      template,
      store,
      language,
      node: plan.node,
      durationMs,
      plan: summarize(plan),
    },
    text: await renderMade(context, environment, plan, durationMs),
  };
  return serveIfAsked(input, context, environment, report);
}

async function reportLostRace(input: Input, context: Context, plan: Plan): Promise<Report> {
  const marker = await readMarker(plan.directory);
  if (!marker) {
    throw new UserError(
      'target-not-empty',
      `${plan.directory} appeared while the environment was made.`,
      'Look at what is there, then run the same command again.',
    );
  }
  const { template, store, language } = marker;
  const data = { status: 'unchanged', directory: plan.directory, template, store, language, node: marker.node ?? null };
  const text = `${basename(plan.directory)} was made by another sessapp meanwhile; this one changed nothing.`;
  return serveIfAsked(input, context, { directory: plan.directory, marker }, { data, text });
}

async function serveIfAsked(input: Input, context: Context, environment: Environment, report: Report): Promise<Report> {
  if (!flag(input, 'serve')) return report;
  const { data, text = '' } = report;
  context.output.event({ event: String(data?.status), ...data }, text);
  return serve(context, environment);
}

async function renderMade(
  { system, output }: Context,
  environment: Environment,
  plan: Plan,
  durationMs: number,
): Promise<string> {
  const { bold, cyan, dim } = output.style;
  const { directory } = environment;
  const kept = plan.kept.length === 0 ? [] : [dim(`Kept as they are: ${plan.kept.join(', ')}`)];
  const seconds = (durationMs / 1000).toFixed(1);
  const commands = [
    activationLine(system, await currentShell(system), directory),
    ...(plan.install ? [] : [await commandLine(system, directory, 'install')]),
    await commandLine(system, directory, 'serve'),
  ];
  const where = relative(system.cwd, directory) === '' ? 'here' : directory;
  return [
    `Made the environment ${bold(promptOf(environment))} (${where}) in ${seconds} s.`,
    ...kept,
    'Next:',
    ...commands.map((line) => `  ${cyan(line)}`),
  ].join('\n');
}

function renderPlan(plan: Plan): string {
  const { directory, action, files, kept, node, install, git } = plan;
  return [
    `Would ${action} ${directory} with`,
    ...files.map(({ path }) => `  ${path}`),
    ...(kept.length > 0 ? [`Would keep as they are: ${kept.join(', ')}`] : []),
    ...(install ? ['Would install what package-lock.json says, with npm'] : []),
    ...(node !== null ? [`Would install Node.js ${node}`] : []),
    ...(git ? ['Would make it a git repository'] : []),
  ].join('\n');
}
