import { resolve } from 'node:path';
import { UsageError, UserError } from '../../errors.ts';
import { toExitFailure } from '../../server/messages.ts';
import { secretVariable } from '../../settings/secrets.ts';
import { isPort, isWorkerCount, portRemedy, workersRemedy } from '../../settings/settings.ts';
import type { System } from '../../system.ts';
import { openInBrowser } from '../browser.ts';
import { type Context, flag, type Input, text } from '../command.ts';
import { startInBackground } from '../control/background.ts';
import { runInForeground, type ServerObserver } from '../control/foreground.ts';
import type { ServerOptions } from '../control/server-process.ts';
import { claimServer, describePlace, forgetServer, logFile, type ServerRecord } from '../control/server-record.ts';
import { describeEnd, type ServerEnd } from '../control/start-outcome.ts';
import type { WatchPaths } from '../control/watch.ts';
import { type Environment, promptOf } from '../environment/find.ts';
import { remember } from '../environment/known.ts';
import { verifyReady } from '../environment/readiness.ts';
import type { Report } from '../output.ts';
import { commandLine } from '../shells/shells.ts';
import { onEnvironment } from './on-environment.ts';

export const command = onEnvironment({
  summary: 'run the server of an environment',
  examples: ['sessapp serve myenv --watch', 'sessapp serve myenv --production --workers auto --background'],
  options: [
    ['-p, --port <number>', 'the port; 0 takes any free one (default: PORT, else 5000)'],
    ['--host <name>', 'the host to listen at (default: HOST, else localhost)'],
    ['--workers <number>', 'how many processes respond, or auto: one a core (default: WORKERS)'],
    ['--production', 'run with NODE_ENV=production'],
    ['--watch', 'restart when a file changes, and reload the open page'],
    ['--watch-path <paths>', 'with --watch: also files or folders, separated by commas'],
    ['--watch-ignore <paths>', 'with --watch: except these files or folders, separated by commas'],
    ['--open', 'open a browser at the page'],
    ['--background', 'return once the server responds, and leave it running'],
  ],
  verify: (input, { system }) => readOptions(input, system),
  run: (work) => serve(work, work.environment, readOptions(work.input, work.system)),
});

interface ServeOptions extends ServerOptions {
  watch?: WatchPaths;
  open?: boolean;
  background?: boolean;
}

/** Serves the environment: in the foreground until a signal asks for its end. */
export async function serve(context: Context, environment: Environment, options: ServeOptions = {}): Promise<Report> {
  const { system, output } = context;
  await verifyReady(system, environment);
  const signal = system.catchInterrupts();
  const hasOwnSecret = Boolean(system.env[secretVariable]);
  const running = await claimServer(environment, {
    background: options.background ?? false,
    hasOwnSecret,
    hasOwnStoreUrl: Boolean(system.env.STORE_URL),
  });
  if (running) throw await alreadyRunning(context, environment, running);
  await remember(system, environment.directory);
  // Under --json stdout is for our own lines.
  const server: ServeOptions = output.json ? { output: 2, ...options } : options;
  if (options.background) return serveInBackground(context, environment, server);
  try {
    return await serveInForeground(context, environment, server, signal);
  } finally {
    await forgetServer(environment);
  }
}

function readOptions(input: Input, system: System): ServeOptions {
  const port = text(input, 'port');
  if (port !== undefined && !isPort(port)) throw new UsageError(`'${port}' is no port.`, portRemedy);
  const host = text(input, 'host');
  if (host === '') throw new UsageError('The host is empty.', 'For example: --host 0.0.0.0');
  const workers = text(input, 'workers');
  if (workers !== undefined && !isWorkerCount(workers))
    throw new UsageError(`'${workers}' is no number of workers.`, workersRemedy);
  const [production, open, background] = ['production', 'open', 'background'].map((name) => flag(input, name));
  const watch = readWatchPaths(input, system);
  if (background && watch)
    throw new UsageError('--watch and --background do not go together.', 'Leave one of them out.');
  return {
    ...(port !== undefined && { port }),
    ...(host !== undefined && { host }),
    ...(workers !== undefined && { workers }),
    ...(watch && { watch }),
    ...{ production, open, background },
  } as ServeOptions;
}

function readWatchPaths(input: Input, { cwd }: System): WatchPaths | undefined {
  const [watched, ignored] = ['watchPath', 'watchIgnore'].map((name) => text(input, name));
  if (!flag(input, 'watch')) {
    if (watched === undefined && ignored === undefined) return undefined;
    throw new UsageError('--watch-path and --watch-ignore go with --watch.', 'Add --watch.');
  }
  const split = (paths = ''): string[] =>
    paths
      .split(',')
      .filter((path) => path !== '')
      .map((path) => resolve(cwd, path));
  return { watched: split(watched), ignored: split(ignored) };
}

async function alreadyRunning({ system }: Context, environment: Environment, record: ServerRecord): Promise<UserError> {
  const { directory } = environment;
  const { url, pid, owner } = record;
  const state = url === undefined ? `being started by process ${owner.pid}` : `running at ${url} (process ${pid})`;
  const place = await describePlace(environment, record);
  const stop = await commandLine(system, directory, 'stop');
  return new UserError('already-running', `The server of ${directory} is ${state}${place}.`, `To stop it: ${stop}`);
}

async function serveInBackground(
  { system, output }: Context,
  environment: Environment,
  options: ServeOptions,
): Promise<Report> {
  const server = await startInBackground(system, environment, options).catch(async (error: unknown) => {
    await forgetServer(environment);
    throw error;
  });
  if (options.open) await openPage({ system, output }, server.url);
  const stop = await commandLine(system, environment.directory, 'stop');
  const { pid, url, store, workers } = server;
  const { bold, cyan } = output.style;
  return {
    data: { status: 'running', url, pid, store, workers, log: logFile(environment) },
    text: `${bold(promptOf(environment))} runs at ${cyan(url)} (process ${pid}${sharedBy(workers)}). To stop it: ${stop}`,
  };
}

async function serveInForeground(
  context: Context,
  environment: Environment,
  options: ServeOptions,
  signal: AbortSignal,
): Promise<Report> {
  const { system, output } = context;
  const observer = createObserver(context, environment, options);
  const end = await runInForeground(system, environment, options, observer).catch((error: unknown) => {
    // A server that was asked to stop before it listened did not fail.
    if (!signal.aborted) throw error;
    return { exitCode: 0, signal: undefined, drained: true };
  });
  if (!end.drained) throw signal.aborted ? cutOff(end) : diedByItself(end);
  output.event({ event: 'stopped' }, 'Stopped.');
  return {};
}

function cutOff(end: ServerEnd): UserError {
  const fact = `The server did not stop cleanly: it ended with ${describeEnd(end)}.`;
  return new UserError('not-drained', fact, 'A request that takes longer than 4 s to end is cut off.');
}

function diedByItself(end: ServerEnd): UserError {
  const how = describeEnd(end);
  const { hint } = toExitFailure('', how);
  return new UserError('server-died', `The server exited without being asked to (${how}).`, hint);
}

function createObserver(context: Context, environment: Environment, options: ServeOptions): ServerObserver {
  const { output } = context;
  const { bold, cyan, dim, yellow } = output.style;
  let { open } = options;
  return {
    async listening({ url, pid, store, workers }) {
      const watching = options.watch ? ', restarts when a file changes' : '';
      const how = `${store} store${sharedBy(workers)}${watching}`;
      const banner = `${bold(promptOf(environment))} runs at ${cyan(url)} (${how}). Ctrl-C stops it.`;
      output.event({ event: 'listening', url, pid, store, workers }, banner);
      // A browser that stays in the foreground must not keep a signal waiting.
      if (open) void openPage(context, url);
      open = false;
    },
    restarting: (file) => output.event({ event: 'restarting', file }, dim(`${file} changed: restarting.`)),
    down(failure) {
      const message =
        failure instanceof UserError
          ? `${failure.message}\n${failure.hint ?? ''}`
          : `The server ended with ${describeEnd(failure)}.`;
      output.event({ event: 'down', message }, `${yellow(message.trimEnd())}\nWaiting for a change.`);
    },
  };
}

function sharedBy(workers: number): string {
  return workers === 1 ? '' : `, ${workers} workers`;
}

async function openPage({ system, output }: Context, url: string): Promise<void> {
  if (!(await openInBrowser(system, url))) output.warn(`No browser could be opened; the page is at ${url}`);
}
