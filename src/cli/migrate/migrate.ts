import { readFile, rm } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { orUndefined, UserError } from '../../errors.ts';
import { overrideFile } from '../../migration/store-url-override.ts';
import type { Migration as Mark } from '../../settings/marker.ts';
import { storeKinds } from '../../settings/stores.ts';
import { readVariables } from '../../settings/variables.ts';
import type { System } from '../../system.ts';
import { type Store, withStore } from '../admin/store.ts';
import { StoreUnavailable } from '../admin/store-errors.ts';
import { changeMarker } from '../environment/change-marker.ts';
import type { Environment } from '../environment/find.ts';
import { verifyReady } from '../environment/readiness.ts';
import { setVariables } from '../secrets/env-variables.ts';
import { withDriverPackage } from './driver-package.ts';
import { type MoveOptions, moveSessions } from './move-sessions.ts';
import type { NextStore } from './store-move.ts';

/** Where the sessions of an environment are to be. */
export interface Destination {
  store: string;
  /** For a store that has an address; there may be a password in it. */
  url: string | undefined;
}

export interface MigrateOptions extends MoveOptions {
  offline: boolean;
  /** Is told what in the new store's configuration can lose sessions. */
  warn(warning: string): void;
}

/** The variable of `.env` that says where the sessions go. */
export const nextVariable = 'NEXT_STORE_URL';

/**
 * By then every process has followed: what it knows when it calls a store is 2 s old at most, and a call takes 2 s at most.
 * See migration/follow-store and stores/deadline.
 */
const followMs = 5000;

/**
 * Moves the sessions of an environment to another store, also while its server runs. Where an earlier call was interrupted
 * it goes on: `sessapp.json` says how far that came, and each step can be done twice.
 * @throws UserError when it cannot be done, Interrupted when `signal` says so
 */
export async function migrate(
  system: System,
  environment: Environment,
  destination: Destination,
  options: MigrateOptions,
): Promise<void> {
  let current = environment;
  const advance = async (phase: Mark['phase']): Promise<void> => {
    options.signal.throwIfAborted();
    current = await mark(current, destination.store, phase);
    await waitForFollowers(options);
  };
  if (!current.marker.migration) current = await prepare(system, current, destination, options);
  if (phaseOf(current) === undefined || phaseOf(current) === 'prepare') {
    // Servers that are there still write it again.
    await rm(overrideFile(current.directory), { force: true });
    // Nobody knows for how long others have known of the phase that an interrupted call began.
    await advance('prepare');
    await verifyAllFollow(current);
    current = await mark(current, destination.store, 'move');
  }
  if (phaseOf(current) === 'move') {
    await advance('move');
    await withStore(system, current, (store) => moveSessions(store, options));
    // A call that had read a session in the old store before it was cleared may still be about to create it in the new
    // one: it must not outlive the first process that knows only the new store, and deletes the session there.
    await waitForFollowers(options);
  }
  await advance('switch');
  await finish(current);
}

async function prepare(
  system: System,
  environment: Environment,
  { store, url }: Destination,
  options: MigrateOptions,
): Promise<Environment> {
  options.step('Installing the driver of the new store');
  const { [nextVariable]: before } = await readVariables(environment.directory);
  try {
    return await withDriverPackage(system, environment, store, options, async (installed) => {
      await verifyReady(system, installed);
      const look = async (current: Store): Promise<void> => {
        await current.ping();
        const next = await current.inspectNext(store, url, system.now()).catch((error) => explainNext(error, url));
        verifyUsable(store, environment, next);
        for (const warning of next.warnings) options.warn(warning);
      };
      await withStore(system, installed, look, { mayCreate: true });
      await setVariables(installed, { [nextVariable]: url });
      return installed;
    });
  } catch (error) {
    await setVariables(environment, { [nextVariable]: before });
    throw error;
  }
}

// `sessapp doctor` looks at the old one.
function explainNext(error: unknown, url: string | undefined): never {
  if (!(error instanceof StoreUnavailable) || url === undefined) throw error;
  throw new UserError(
    'store-unavailable',
    `The new store cannot be used: ${error.reason}.`,
    `Start it, or give another address (--store-url, ${nextVariable}); then run the same command again.`,
  );
}

function verifyUsable(store: string, { marker }: Environment, { isSame, sessions }: NextStore): void {
  if (isSame)
    throw new UserError('same-store', `That is the store ${store} that the sessions are in.`, 'Name another address.');
  if (sessions === 0) return;
  throw new UserError(
    'store-not-empty',
    `The store ${store} holds ${sessions} sessions of this environment (${marker.cookie}) already.`,
    'Name another address, or delete them there: docs/store.md says how.',
  );
}

/** @throws UserError when a server has said that it cannot follow */
async function verifyAllFollow({ directory }: Environment): Promise<void> {
  const said = await orUndefined(readFile(overrideFile(directory), 'utf8'), 'ENOENT');
  if (said === undefined) return;
  const pid = /\d+/.exec(said)?.[0] ?? 'unknown';
  throw new UserError(
    'store-url-in-environment',
    `STORE_URL is set in the environment variables of a server (process ${pid}), and wins over .env: it cannot follow a change there.`,
    'Write it into .env, unset the variable, and start that server anew; then run the same command again.',
  );
}

/** Returns when every process of the environment works by what `sessapp.json` said when this was called. */
export async function waitForFollowers({ signal, step }: MoveOptions): Promise<void> {
  step('Waiting until every process follows');
  await wait(followMs, undefined, { signal }).catch(() => signal.throwIfAborted());
}

async function mark(environment: Environment, to: string, phase: Mark['phase']): Promise<Environment> {
  return changeMarker(environment, (marker) => {
    const from = marker.migration?.from ?? marker.store;
    return { ...marker, store: phase === 'switch' ? to : marker.store, migration: { from, to, phase } };
  });
}

function phaseOf({ marker }: Environment): Mark['phase'] | undefined {
  return marker.migration?.phase;
}

async function finish(environment: Environment): Promise<void> {
  const { directory, marker } = environment;
  const { [nextVariable]: url } = await readVariables(directory);
  // Without it an interrupted call has done this.
  if (url !== undefined || !storeKinds[marker.store]?.address)
    await setVariables(environment, { STORE_URL: url, [nextVariable]: undefined });
  await changeMarker(environment, ({ migration: _, ...rest }) => rest);
}
