import { existsSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import type { CookieOptions, Store } from 'express-session';
import { AdoptingDriver } from '../stores/adopting-driver.ts';
import type { Driver } from '../stores/driver.ts';
import { embedded } from '../stores/embedded/index.ts';
import { driverOf } from '../stores/express.ts';
import type { ExpressForm } from '../stores/express-record.ts';
import { kindOf } from '../stores/options.ts';
import { Owners } from './data/owner.ts';
import { limitsOf } from './limits-option.ts';
import type { Adoption, AnyStore, SessionOptions } from './options.ts';

type StoreOptions = Pick<Partial<SessionOptions>, 'store' | 'adopt' | 'cookie' | 'limits' | 'now' | 'resave'>;

const defaultMoveAfterMs = 10 * 60 * 1000;

/** The driver for these options of `session()`. */
export function driverFor(options: StoreOptions): Driver {
  const { adopt, now = () => Date.now() } = options;
  const form = formOf(options);
  const store = options.store ?? embedded({ directory: join(applicationDirectory(), 'data', 'sessions') });
  verifyStore('store', store);
  if (adopt === undefined) return toDriver(store, form);
  const { store: old, moveAfterMs } = toAdoption(adopt);
  const startedMs = now();
  return new AdoptingDriver(
    { from: toDriver(old, form), to: toDriver(store, form) },
    () => now() - startedMs >= moveAfterMs,
    now,
  );
}

/** @throws TypeError when the value is not a store and contains none */
export function toAdoption(adopt: AnyStore | Adoption): { store: AnyStore; moveAfterMs: number } {
  const adoption = adopt instanceof Object && !isStore(adopt) ? adopt : { store: adopt };
  const { store, moveAfterMs = defaultMoveAfterMs, ...others } = adoption;
  verifyStore('adopt', store);
  if (typeof moveAfterMs !== 'number' || !(moveAfterMs >= 0))
    throw new TypeError('adopt.moveAfterMs option must be a number of milliseconds, or Infinity: sessions never move');
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new TypeError(`adopt.${unknown} option does not exist: adopt is a store, or { store, moveAfterMs }`);
  return { store, moveAfterMs };
}

// A client of a database also has a function `get`, but only an express-session store creates sessions.
function isStore(store: object): store is AnyStore {
  return store instanceof Object && ('update' in store || ('get' in store && 'createSession' in store));
}

function verifyStore(name: string, store: object): void {
  if (!isStore(store))
    throw new TypeError(
      `${name} option must be a store: a store of sessapp, such as redis({ url }), or an express-session store, such as ` +
        `new RedisStore({ client }); it is ${kindOf(store)}`,
    );
}

/** Removes options whose value means the default: for express-session, null, false, 0 and ''. */
export function withoutEmpty(options: Partial<SessionOptions>): Partial<SessionOptions> {
  const isEmpty = (name: string, value: unknown): boolean => !value && name !== 'secret' && typeof value !== 'boolean';
  const mayBeFalse = ['proxy', 'resave', 'rolling', 'saveUninitialized'];
  return Object.fromEntries(
    Object.entries(options).filter(
      ([name, value]) => !isEmpty(name, value) && (value !== false || mayBeFalse.includes(name)),
    ),
  );
}

export function isDriver(store: AnyStore): store is Driver {
  return 'update' in store;
}

export function isExpressStore(store: AnyStore | undefined): store is Store {
  return store !== undefined && !isDriver(store);
}

/** True when sessions may be in an express-session store. */
export function usesExpressStore({ store, adopt }: StoreOptions): boolean {
  return isExpressStore(store) || (adopt !== undefined && isExpressStore(toAdoption(adopt).store));
}

function toDriver(store: AnyStore, form: ExpressForm): Driver {
  return isDriver(store) ? store : driverOf(store, form);
}

function formOf({ cookie, limits, resave }: StoreOptions): ExpressForm {
  const { idleMs, absoluteMs, ownerKeys } = limitsOf({ cookie, limits });
  const owners = new Owners(ownerKeys, undefined);
  const { sameSite, ...others } = typeof cookie === 'object' ? cookie : {};
  const attributes: CookieOptions = sameSite === undefined || sameSite === 'auto' ? others : { ...others, sameSite };
  return { cookie: attributes, idleMs, absoluteMs, resave, ownerOf: (data) => owners.of(data) };
}

/** The nearest directory with a package.json, from the main script upwards; without one, the working directory. */
function applicationDirectory(): string {
  const [, main = ''] = process.argv;
  // A main script in node_modules is not the application, but runs it: a test runner or a process manager.
  const isOwn = main !== '' && !resolve(main).split(sep).includes('node_modules');
  const start = isOwn ? dirname(resolve(main)) : process.cwd();
  for (let directory = start; ; directory = dirname(directory)) {
    if (existsSync(join(directory, 'package.json'))) return directory;
    if (directory === dirname(directory)) return process.cwd();
  }
}
