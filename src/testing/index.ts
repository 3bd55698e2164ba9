import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Driver } from '../stores/driver.ts';
import { type Browser, createBrowser } from './browser.ts';
import { memory } from './memory.ts';

export type { Browser, Driver };
export { memory };

/** A clock that stands still until the test advances it. */
export interface Clock {
  /** The time in milliseconds since 1970. */
  now(): number;
  /** Moves the clock forward. */
  advance(ms: number): void;
}

/** The options that the test server passes on to `session()`. */
export interface TestOptions {
  secret: string;
  store: Driver;
  now: () => number;
}

/** A running test server. */
export interface TestServer {
  /** The server's URL without a slash at the end. */
  url: string;
  clock: Clock;
  store: Driver;
  /** Creates a new browser without cookies. */
  browser(): Browser;
  /** Closes the server, all its connections, and the store. */
  close(): Promise<void>;
}

/** A request handler, such as an Express application. */
export type App = RequestListener;

/** Creates a clock. @param startMs its first time; by default the system's time */
export function createClock(startMs = Date.now()): Clock {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    advance(ms) {
      if (!(ms >= 0)) throw new TypeError('clock.advance needs a number of milliseconds that is not negative');
      nowMs += ms;
    },
  };
}

/**
 * Starts an application on a free local port, with a store in memory and a separate clock.
 * @param create creates the application; it must pass these options to `session()`
 * @throws TypeError when `create` is not a function, or does not return a request handler
 */
export async function startTestServer(create: (options: TestOptions) => App | Promise<App>): Promise<TestServer> {
  // An Express application is a function too.
  if (typeof create !== 'function' || 'handle' in create)
    throw new TypeError('startTestServer needs a function: startTestServer((options) => createApp(options))');
  const clock = createClock();
  const store = memory();
  const app = await create({ secret: 'a secret of this test alone, of no use elsewhere', store, now: clock.now });
  verifyHandler(app);
  const server = createServer(app);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    clock,
    store,
    browser: () => createBrowser(url, clock.now),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await store.close();
    },
  };
}

function verifyHandler(app: unknown): void {
  if (typeof app === 'function') return;
  const returned = app === null ? 'null' : typeof app === 'object' ? 'an object' : String(app);
  throw new TypeError(
    `the function for startTestServer must return a request handler, such as an Express application; it returned ${returned}`,
  );
}
