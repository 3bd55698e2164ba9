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

/** Where the sessions of an environment move to. */
export interface Destination {
  store: string;
  /** The address, if the store has one. It may contain a password. */
  url: string | undefined;
}

export interface MigrateOptions extends MoveOptions {
  offline: boolean;
  /** Called with each setting of the new store that can lose sessions. */
  warn(warning: string): void;
}

/** The variable in `.env` with the address of the new store during a migration. */
export const nextVariable = 'NEXT_STORE_URL';

/**
 * After this time, every process has applied a change: each reads `sessapp.json` at least every 2 s, and a call of a store
 * takes 2 s at most. See migration/follow-store and stores/deadline.
 */
const followMs = 5000;

/**
 * Moves the sessions of an environment to another store, even while its server runs. Continues a call that was interrupted:
 * `sessapp.json` records the phase, and each step can be repeated.
 * @throws UserError when the move is not possible, Interrupted when `signal` aborts
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
    // A running server that cannot follow the move writes this file again.
    await rm(overrideFile(current.directory), { force: true });
    // Start the phase again: we do not know how long ago an interrupted call started it.
    await advance('prepare');
    await verifyAllFollow(current);
    current = await mark(current, destination.store, 'move');
  }
  if (phaseOf(current) === 'move') {
    await advance('move');
    await withStore(system, current, (store) => moveSessions(store, options));
    // A call that read a session from the old store before it was cleared may still create it in the new store. Wait until
    // such calls are done: a process that knows only the new store could delete the session there before that.
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

// Do not suggest `sessapp doctor` here: it checks the old store.
function explainNext(error: unknown, url: string | undefined): never {
  if (!(error instanceof StoreUnavailable) || url === undefined) throw error;
  // The hint of a fault in the address is only an example of one.
  const remedy = error.hint === undefined ? 'Start it, or set' : 'Set';
  throw new UserError(
    'store-unavailable',
    `The new store cannot be used: ${error.reason}.`,
    `${remedy} another address (--store-url or ${nextVariable}), then run the same command again.`,
  );
}

function verifyUsable(store: string, { marker }: Environment, { isSame, sessions }: NextStore): void {
  if (isSame)
    throw new UserError('same-store', `The sessions are already in this ${store} store.`, 'Use another address.');
  if (sessions === 0) return;
  throw new UserError(
    'store-not-empty',
    `The ${store} store already holds ${sessions} sessions of this environment (${marker.cookie}).`,
    'Use another address, or delete these sessions there: see docs/store.md.',
  );
}

/** @throws UserError when a server has reported that it cannot follow */
async function verifyAllFollow({ directory }: Environment): Promise<void> {
  const said = await orUndefined(readFile(overrideFile(directory), 'utf8'), 'ENOENT');
  if (said === undefined) return;
  const pid = /\d+/.exec(said)?.[0] ?? 'unknown';
  throw new UserError(
    'store-url-in-environment',
    `STORE_URL is set in the environment variables of a server (process ${pid}). It overrides .env, so the server cannot follow a move.`,
    'Write STORE_URL into .env, unset the variable and restart that server. Then run the same command again.',
  );
}

/** Returns when every process of the environment has applied the current content of `sessapp.json`. */
export async function waitForFollowers({ signal, step }: MoveOptions): Promise<void> {
  step('Waiting until every process has read the change');
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
  // If it is not set, an interrupted call has already done this.
  if (url !== undefined || !storeKinds[marker.store]?.address)
    await setVariables(environment, { STORE_URL: url, [nextVariable]: undefined });
  await changeMarker(environment, ({ migration: _, ...rest }) => rest);
}
