import type { ChildProcess } from 'node:child_process';
import { extname, join } from 'node:path';
import type { System } from '../system.ts';
import { activate } from './activation.ts';
import type { Environment } from './find.ts';
import { nodeOf, verifyReady } from './readiness.ts';
import { commandLine } from './shells.ts';
import type { MovePage, MoveStep, SessionQuery, SessionSummary, StoreCalls } from './store-calls.ts';
import { StoreUnavailable } from './store-errors.ts';
import { StoreProcess } from './store-process.ts';
import { overlay, readVariables } from './variables.ts';

/** An environment's store, also while its server runs. */
export interface Store extends Omit<StoreCalls, 'list' | 'next' | 'walkMove' | 'nextMove'> {
  /** By default in the order of their expiry; never all in memory. */
  list(query: SessionQuery): AsyncIterable<SessionSummary>;
  /** Goes through the old store, while sessions move to another one. */
  walkMove(step: MoveStep): AsyncIterable<MovePage>;
}

/**
 * Works with the store of an environment, through its own driver in its own Node.js.
 * @throws UserError when the dependencies are not there, or the store does not answer
 */
export async function withStore<T>(
  system: System,
  environment: Environment,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  await verifyReady(system, environment);
  const process = new StoreProcess(await startAgent(system, environment));
  try {
    return await work(createStore(process));
  } catch (error) {
    if (error instanceof StoreUnavailable)
      error.hint ??= `Type: ${await commandLine(system, environment.directory, 'doctor')}`;
    throw error;
  } finally {
    await process.close();
  }
}

async function startAgent(system: System, environment: Environment): Promise<ChildProcess> {
  const { directory, marker } = environment;
  const program = join(import.meta.dirname, `store-agent${extname(import.meta.url)}`);
  // What is meant for another Node.js, or for a debugger, may keep this one from starting.
  const { NODE_OPTIONS: _, ...env } = activate(environment, system.env);
  return system.start(
    nodeOf(environment),
    [program, directory, marker.language === 'typescript' ? '.ts' : '.js', marker.cookie],
    {
      cwd: directory,
      env,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    },
  );
}

/** Where the store is, for a store that has an address; there may be a password in it. As for the server, the variable wins. */
export async function readStoreUrl(system: System, { directory }: Environment): Promise<string | undefined> {
  return overlay(await readVariables(directory), system.env).STORE_URL;
}

function createStore(process: StoreProcess): Store {
  return {
    ping: () => process.call('ping'),
    probe: () => process.call('probe'),
    countAhead: (ofMs) => process.call('countAhead', ofMs),
    read: (key) => process.call('read', key),
    delete: (...keys) => process.call('delete', ...keys),
    prune: (nowMs, limit) => process.call('prune', nowMs, limit),
    tally: (nowMs) => process.call('tally', nowMs),
    list: (query) => walk(process, query),
    backup: (file) => process.call('backup', file),
    inspectNext: (store, url, nowMs) => process.call('inspectNext', store, url, nowMs),
    walkMove: (step) => walkMove(process, step),
  };
}

async function* walk(process: StoreProcess, query: SessionQuery): AsyncGenerator<SessionSummary> {
  const number = await process.call('list', query);
  for (;;) {
    const page = await process.call('next', number);
    if (page.length === 0) return;
    yield* page;
  }
}

async function* walkMove(process: StoreProcess, step: MoveStep): AsyncGenerator<MovePage> {
  const number = await process.call('walkMove', step);
  for (;;) {
    const page = await process.call('nextMove', number);
    if (!page) return;
    yield page;
  }
}
