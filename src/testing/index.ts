import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Driver } from '../stores/driver.ts';
import { type Browser, createBrowser } from './browser.ts';
import { memory } from './memory.ts';

export type { Browser, Driver };
export { memory };

/** A time that stands still until a test moves it. */
export interface Clock {
  /** In milliseconds since 1970. */
  now(): number;
  advance(ms: number): void;
}

/** The options of `session()` that a test chooses. */
export interface TestOptions {
  secret: string;
  store: Driver;
  now: () => number;
}

export interface TestServer {
  /** Without a slash at its end. */
  url: string;
  clock: Clock;
  store: Driver;
  /** A browser of its own, without cookies. */
  browser(): Browser;
  /** Closes the server with all its connections, and the store. */
  close(): Promise<void>;
}

/** @param startMs the time at first; by default that of the system */
export function createClock(startMs = Date.now()): Clock {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    advance(ms) {
      nowMs += ms;
    },
  };
}

/**
 * Starts an application on a free port of this machine, with a store in memory and a clock of its own.
 * @param create makes the application; it hands these options to its `session()`
 */
export async function startTestServer(create: (options: TestOptions) => RequestListener): Promise<TestServer> {
  const clock = createClock();
  const store = memory();
  const server = createServer(
    create({ secret: 'a secret of this test alone, of no use elsewhere', store, now: clock.now }),
  );
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
