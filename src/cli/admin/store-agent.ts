// Runs in an environment's own Node.js: answers what the tool asks of that environment's store, until the tool is gone.
// Its arguments: the environment's directory, the ending of its modules, and the name of its cookie.
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { MovePage, SessionSummary, StoreAnswer, StoreCalls, StoreRequest } from './store-calls.ts';
import { describeFailure } from './store-errors.ts';
import { inspectNext, type MovingDriver, walkMove } from '../migrate/store-move.ts';
import { type Changing, countAhead, probe } from './store-probes.ts';
import { whileGrowing } from './store-progress.ts';
import { tally } from './store-tally.ts';
import { type Listing, summaries, toDetail } from './store-walks.ts';

/** What is used of a driver; the environment's `session/driver` has all of it. */
interface Driver extends Listing, Changing {
  ping(): Promise<void>;
  prune(nowMs: number, limit: number): Promise<number>;
  setAside(key: string): Promise<void>;
  countSetAside?(): Promise<number>;
  backup?(file: string): Promise<void>;
  warnings?(): Promise<string[]>;
  close(): Promise<void>;
}

/** Of the environment's `server/follow-store`. */
interface FollowedStore {
  current(): Promise<Driver>;
  close(): Promise<void>;
}

interface FollowModule {
  FollowedStore: {
    open(directory: string, environment: NodeJS.ProcessEnv, log: typeof silent): Promise<FollowedStore>;
  };
}

interface OpenModule {
  openDriver(store: string, options: { dataDirectory: string; name: string; url?: string }): Promise<Driver>;
}

const silent = { info: () => undefined, error: () => undefined };
const pageSize = 500;
const [directory = '', extension = '', cookie = ''] = process.argv.slice(2);
const dataDirectory = join(directory, 'data');

// Sessions may be about to move to another store.
async function open(): Promise<FollowedStore> {
  const file = join(directory, 'server', `follow-store${extension}`);
  const { FollowedStore } = (await import(pathToFileURL(file).href)) as FollowModule;
  return FollowedStore.open(directory, process.env, silent);
}

async function openNext(store: string, url: string | undefined): Promise<Driver> {
  const { openDriver } = (await import(
    pathToFileURL(join(directory, 'session', `open-driver${extension}`)).href
  )) as OpenModule;
  return openDriver(store, { dataDirectory, name: cookie, ...(url !== undefined && { url }) });
}

const walks: AsyncIterator<SessionSummary>[] = [];
const moves: AsyncIterator<MovePage>[] = [];

function answerWith(driver: Driver): StoreCalls {
  return {
    ping: () => driver.ping(),
    probe: () => probe(driver),
    countAhead: (ofMs) => countAhead(driver, ofMs),
    read: async (key) => toDetail(await driver.read(key)),
    // At the same time, so that a store which gathers writes has one to do.
    delete: async (...keys) => void (await Promise.all(keys.map((key) => driver.delete(key)))),
    prune: (nowMs, limit) => driver.prune(nowMs, limit),
    tally: async (nowMs) => {
      const setAside = await driver.countSetAside?.();
      return { ...(await tally(driver, nowMs)), ...(setAside !== undefined && { setAside }) };
    },
    list: async (query) => walks.push(summaries(driver, query)) - 1,
    next: async (walk) => takePage(walks[walk]),
    backup: async (file) => {
      if (!driver.backup) return false;
      await whileGrowing(dirname(file), driver.backup(file));
      return true;
    },
    inspectNext: async (store, url, nowMs) => {
      const next = await openNext(store, url);
      return inspectNext(driver, next, nowMs).finally(() => next.close());
    },
    walkMove: async (step) => moves.push(walkMove(driver as Driver & MovingDriver, step)) - 1,
    nextMove: async (walk) => (await moves[walk]?.next())?.value as MovePage | undefined,
  };
}

async function takePage(walk: AsyncIterator<SessionSummary> | undefined): Promise<SessionSummary[]> {
  const page: SessionSummary[] = [];
  while (walk && page.length < pageSize) {
    const { value, done } = await walk.next();
    if (done) break;
    page.push(value);
  }
  return page;
}

async function answer({ id, call, args }: StoreRequest): Promise<StoreAnswer> {
  try {
    const calls = answerWith(await (await followed).current());
    const method = calls[call] as (...args: unknown[]) => Promise<unknown>;
    return { id, result: await method(...args) };
  } catch (error) {
    return { id, failure: await describeFailure(error, dataDirectory) };
  }
}

async function closeAfter(running: Set<Promise<unknown>>): Promise<void> {
  await Promise.all(running);
  await (await followed.catch(() => undefined))?.close();
}

const followed = open();
// Why it failed is told to whoever asks.
followed.catch(() => undefined);

const running = new Set<Promise<unknown>>();
process.on('message', async (request: StoreRequest) => {
  const answering = answer(request);
  running.add(answering);
  const answered = await answering;
  running.delete(answering);
  if (process.connected) process.send?.(answered);
});
process.on('disconnect', () => closeAfter(running));
// Of a commit that fails, lmdb rejects a promise that nobody has beside the one of the call, which is answered.
process.on('unhandledRejection', () => undefined);
// Ctrl-C, a closed terminal and a stopped service reach this process too; the tool decides when it ends.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => undefined);
