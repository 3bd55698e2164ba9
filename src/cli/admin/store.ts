import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { MigratingDriver } from '../../migration/migrating-driver.ts';
import { overlay, readVariables } from '../../settings/variables.ts';
import { withDeadline } from '../../stores/deadline.ts';
import type { Driver } from '../../stores/driver.ts';
import { wrap } from '../../stores/wrap.ts';
import type { System } from '../../system.ts';
import type { Environment } from '../environment/find.ts';
import { packageOf, verifyReady } from '../environment/readiness.ts';
import { inspectNext, type MovePage, type MoveStep, type NextStore, walkMove } from '../migrate/store-move.ts';
import { commandLine } from '../shells/shells.ts';
import { hasNoStore, noStore } from './no-store.ts';
import type { SessionDetail, SessionQuery, SessionSummary, Tally } from './session-summary.ts';
import { explainFailure, StoreUnavailable } from './store-errors.ts';
import { probe } from './store-probes.ts';
import { tally } from './store-tally.ts';
import { summaries, toDetail } from './store-walks.ts';
import { verifyOpenable } from './verify-openable.ts';
import { verifyServerReady } from './verify-server-ready.ts';

/** The store of an environment, as commands use it, even while the server runs. Each call may throw StoreUnavailable. */
export interface Store {
  ping(): Promise<void>;
  /** Settings of the store itself that can lose sessions, each described by a sentence. */
  warnings(): Promise<string[]>;
  /** Writes a record that is already expired, and deletes it. */
  probe(): Promise<void>;
  read(key: string): Promise<SessionDetail | undefined>;
  /** Ends these sessions for good. */
  delete(...keys: string[]): Promise<void>;
  /** Deletes at most `limit` records that have expired by `nowMs`. @returns how many */
  prune(nowMs: number, limit: number): Promise<number>;
  /** @param sinceMs live sessions that were created after this time are also counted as `created` */
  tally(nowMs: number, sinceMs?: number): Promise<Tally>;
  /** By default in the order of their expiry. Never loads all into memory. */
  list(query: SessionQuery): AsyncIterable<SessionSummary>;
  /** Writes a consistent copy of the store to a new file. @returns false when this store cannot do that */
  backup(file: string): Promise<boolean>;
  /** Checks whether sessions can move to another store. */
  inspectNext(store: string, url: string | undefined, nowMs: number): Promise<NextStore>;
  /** Walks through the old store while sessions move to another one. */
  walkMove(step: MoveStep): AsyncIterable<MovePage>;
}

/** How long a call may take: a store that another process has locked does not respond. */
const deadlineMs = 30_000;
/** How long closing a store may take. All writes are done by then. */
const closeMs = 2000;
const silent = { info: () => undefined, error: () => undefined };

/** The environment's own copy of the library, which resolves the driver's package from the environment. */
interface Library {
  FollowedStore: typeof import('../../migration/follow-store.ts')['FollowedStore'];
  openStore: typeof import('../../migration/open-stores.ts')['openStore'];
}

interface StoreOptions {
  /** Whether to create a missing store. */
  mayCreate?: boolean;
}

/** A store that stays open until it is closed. */
export interface OpenStore {
  store: Store;
  /** True when the environment has no store yet. This store stays empty, even when a server creates the real one. */
  isMissing: boolean;
  close(): Promise<void>;
}

/**
 * Opens the store of an environment with the environment's own copy of the library, for some work. A missing store is
 * treated as empty and is not created.
 * @throws UserError when the dependencies are missing, or the store does not respond
 */
export async function withStore<T>(
  system: System,
  environment: Environment,
  work: (store: Store) => Promise<T>,
  options: StoreOptions = {},
): Promise<T> {
  return withRemedy(system, environment, async () => {
    const { store, close } = await openStore(system, environment, options);
    try {
      return await work(store);
    } finally {
      await close();
    }
  });
}

/**
 * Opens the store for a command that keeps running. Like a server, it follows `sessapp store migrate`.
 * @throws UserError as `withStore` does
 */
export async function openStore(
  system: System,
  environment: Environment,
  { mayCreate = false }: StoreOptions = {},
): Promise<OpenStore> {
  await verifyReady(system, environment);
  const { directory } = environment;
  const guard = <R>(call: Promise<R>): Promise<R> =>
    call.catch(async (error: unknown) => {
      throw await explainFailure(error, join(directory, 'data'));
    });
  const [library] = await Promise.all([guard(loadLibrary(environment)), guard(verifyUsable(system, environment))]);
  if (!mayCreate && (await guard(hasNoStore(environment)))) {
    const store = createStore(environment, library, async () => noStore, guard);
    return { store, isMissing: true, close: async () => undefined };
  }
  const followed = await guard(library.FollowedStore.open(directory, system.env, silent));
  const store = createStore(environment, library, () => followed.current(), guard);
  return { store, isMissing: false, close: () => guard(endWithin(followed.close(), closeMs)) };
}

/** Adds a hint to a StoreUnavailable that has none. */
export async function withRemedy<T>(system: System, { directory }: Environment, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreUnavailable) error.hint ??= `Type: ${await commandLine(system, directory, 'doctor')}`;
    throw error;
  }
}

async function verifyUsable(system: System, environment: Environment): Promise<void> {
  const { store, migration } = environment.marker;
  if (![store, migration?.from, migration?.to].includes('embedded')) return;
  // During a migration, the store that is not ready may be the other one.
  if (!migration) await verifyServerReady(system, environment);
  await verifyOpenable(system, environment);
}

// A store that does not respond does not close either. `bin` exits the process then.
async function endWithin(work: Promise<void>, limitMs: number): Promise<void> {
  const over = new AbortController();
  try {
    await Promise.race([work, wait(limitMs, undefined, { signal: over.signal })]);
  } finally {
    over.abort();
  }
}

async function loadLibrary(environment: Environment): Promise<Library> {
  const file = (name: string): string =>
    pathToFileURL(join(packageOf(environment), 'dist', 'migration', `${name}.js`)).href;
  const [followStore, openStores] = await Promise.all([import(file('follow-store')), import(file('open-stores'))]);
  return { FollowedStore: followStore.FollowedStore, openStore: openStores.openStore };
}

type Guard = <R>(call: Promise<R>) => Promise<R>;

function createStore(
  { directory, marker }: Environment,
  library: Library,
  current: () => Promise<Driver>,
  guard: Guard,
): Store {
  const limited = withDeadline(
    wrap(async (call) => call(await current())),
    deadlineMs,
  );
  const guarded = wrap((call) => guard(call(limited)));
  return {
    ping: () => guarded.ping(),
    warnings: async () => (await guarded.warnings?.()) ?? [],
    probe: () => probe(guarded),
    read: async (key) => toDetail(await guarded.read(key)),
    // Delete all at the same time, so that a store that batches its writes needs only one.
    delete: async (...keys) => void (await Promise.all(keys.map((key) => guarded.delete(key)))),
    prune: (nowMs, limit) => guarded.prune(nowMs, limit),
    tally: async (nowMs, sinceMs) => {
      const setAside = await guarded.countSetAside?.();
      return { ...(await tally(guarded, nowMs, sinceMs)), ...(setAside !== undefined && { setAside }) };
    },
    list: (query) => summaries(guarded, query),
    // Copying a large store takes long, so there is no deadline.
    backup: (file) => guard(current().then(async (driver) => (await driver.backup?.(file)) ?? false)),
    inspectNext: async (store, url, nowMs) => {
      const location = { store, ...(url !== undefined && { url }), variable: 'its address' };
      const options = { dataDirectory: join(directory, 'data'), name: marker.cookie };
      const [driver, next] = [await guard(current()), await guard(library.openStore(location, options))];
      return guard(inspectNext(driver, next, nowMs).finally(() => next.close()));
    },
    walkMove: (step) => guardEach(walkCurrent(step, current), guard),
  };
}

async function* walkCurrent(step: MoveStep, current: () => Promise<Driver>): AsyncGenerator<MovePage> {
  yield* walkMove((await current()) as MigratingDriver, step);
}

async function* guardEach<T>(items: AsyncGenerator<T>, guard: Guard): AsyncGenerator<T> {
  for (let step = await guard(items.next()); !step.done; step = await guard(items.next())) yield step.value;
}

/** The address of an environment's store: the environment variable STORE_URL, else the value in `.env`. */
export async function readStoreUrl({ env }: System, { directory }: Environment): Promise<string | undefined> {
  return overlay(await readVariables(directory), env).STORE_URL;
}
