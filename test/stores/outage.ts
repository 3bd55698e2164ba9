import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Express } from 'express';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Driver } from '../../src/stores/driver.ts';
import { type Site, startSite } from '../session/support.ts';
import type { HttpResponse } from '../support/http.ts';
import { waitFor } from '../support/server.ts';

/** A real store that a test starts and breaks. */
export interface StoreServer {
  /** Starts it with its earlier data. Resolves when it responds. */
  start(): Promise<void>;
  /** Kills it with SIGKILL. Resolves when it has exited. */
  kill(): Promise<void>;
  /** Stops it with SIGSTOP: it keeps its connections, and does not respond. */
  pause(): Promise<void>;
  /** Continues it with SIGCONT, if it runs. Resolves when it responds. */
  resume(): Promise<void>;
  /** Opens a driver for it, also while it is down. */
  open(): Promise<Driver>;
  /** Stops it, and removes its data. */
  remove(): Promise<void>;
}

interface Harm {
  what: string;
  begin(server: StoreServer): Promise<void>;
  /** Resolves when the store itself is back. */
  end(server: StoreServer): Promise<void>;
}

const harms: Harm[] = [
  { what: 'killed', begin: (server) => server.kill(), end: (server) => server.start() },
  { what: 'paused', begin: (server) => server.pause(), end: (server) => server.resume() },
  {
    what: 'restarted',
    begin: (server) => server.kill().then(() => server.start()),
    end: async () => undefined,
  },
];

/** The store deadline of the session layer, plus a margin for a slow machine. */
const deadlineMs = 2000;
const slackMs = 1500;
const recoveryMs = 2000;
/** How long the store stays broken while requests arrive. */
const outageMs = 4000;
const blobBytes = 200_000;

/** The contract of a network store during an outage and after it. */
export function describeOutage(name: string, createServer: () => Promise<StoreServer>): void {
  describe(`an outage of ${name}`, () => {
    let server: StoreServer;
    let driver: Driver;

    beforeEach(async () => {
      server = await createServer();
    });

    afterEach(async () => {
      await server.resume();
      await driver.close();
      await server.remove();
    });

    async function serve(): Promise<Load> {
      driver = await server.open();
      return Load.start(driver);
    }

    test.each(harms)(
      'when the store is $what under load, requests get a 503 in time, the server recovers, and no acknowledged change is lost',
      async (harm) => {
        await server.start();
        const load = await serve();
        load.run();
        await load.untilAcknowledged(5);
        await harm.begin(server);
        await load.during(outageMs);
        await harm.end(server);
        await load.untilRecovered();
        await load.untilAcknowledged(5);
        await load.stop();
        if (harm.what !== 'restarted') expect(load.refused).toBeGreaterThan(0);
        load.expectPromisesKept();
        await load.expectNothingLost();
      },
    );

    test('repeated outages all keep the contract', async () => {
      await server.start();
      const load = await serve();
      load.run();
      for (const harm of [...harms, ...harms]) {
        await load.untilAcknowledged(1);
        await harm.begin(server);
        await load.during(Math.random() * 1000);
        await harm.end(server);
        await load.untilRecovered();
      }
      await load.stop();
      load.expectPromisesKept();
      await load.expectNothingLost();
    });

    test('a server that starts while the store is down responds with 503, and works once the store is up', async () => {
      const load = await serve();
      const response = await load.site.request('/blob');
      expect(response).toMatchObject({ status: 503, headers: { 'retry-after': expect.stringMatching(/^\d+$/) } });
      await expect(driver.ping()).rejects.toThrow();
      await server.start();
      await load.untilRecovered();
      await driver.ping();
    });

    test('requests to a paused store do not pile up', async () => {
      await server.start();
      const load = await serve();
      expect((await load.site.request('/blob')).status).toBe(200);
      await server.pause();
      const before = usedBytes();
      const waves = 12;
      const each = 50;
      for (let wave = 0; wave < waves; wave += 1) {
        const responses = await Promise.all(Array.from({ length: each }, () => load.site.request('/blob')));
        expect(responses.map(({ status }) => status)).toEqual(responses.map(() => 503));
      }
      // The data of these requests is four times as large as this limit.
      expect(usedBytes() - before).toBeLessThan((waves * each * blobBytes) / 4);
      await server.resume();
      await load.untilRecovered();
    });

    test('a driver closes while its store is paused, and while it is gone', async () => {
      await server.start();
      const load = await serve();
      expect((await load.site.request('/blob')).status).toBe(200);
      await server.pause();
      const pending = driver.ping().catch(() => 'failed');
      await driver.close();
      expect(await pending).toBe('failed');
      await server.kill();
      driver = await server.open();
      await driver.ping().catch(() => undefined);
      await driver.close();
      driver = await server.open();
    });
  });
}

/** Users that increment counters in their sessions, one request after the other, and record what was acknowledged. */
export class Load {
  readonly site: Site;
  readonly #browsers: Site['request'][];
  readonly #acknowledged: number[];
  readonly #unsure: number[];
  readonly #responses: { response: HttpResponse; tookMs: number }[] = [];
  readonly #strangers: unknown[];
  #running: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  private constructor(site: Site, strangers: unknown[], users: number) {
    this.site = site;
    this.#strangers = strangers;
    this.#browsers = Array.from({ length: users }, () => site.browser());
    this.#acknowledged = this.#browsers.map(() => 0);
    this.#unsure = this.#browsers.map(() => 0);
  }

  static async start(driver: Driver, users = 8): Promise<Load> {
    const strangers: unknown[] = [];
    return new Load(await startSite((app) => addRoutes(app, strangers), { driver }), strangers, users);
  }

  run(): void {
    this.#running = Promise.all(this.#browsers.map((browse, user) => this.#use(browse, user)));
    // `stop` reports the error. A test that fails earlier does not reach it.
    this.#running.catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  get refused(): number {
    return this.#responses.filter(({ response }) => response.status === 503).length;
  }

  get usersNeverRefused(): number {
    return this.#unsure.filter((count) => count === 0).length;
  }

  /** Waits until every user has made this many more increments. */
  async untilAcknowledged(more: number): Promise<void> {
    const goals = this.#acknowledged.map((count) => count + more);
    await waitFor(() => this.#acknowledged.every((count, user) => count >= (goals[user] ?? 0)), 60_000);
  }

  async during(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** Call this when the store is back: a request must succeed soon. */
  async untilRecovered(): Promise<void> {
    const startMs = performance.now();
    await waitFor(async () => (await this.site.request('/blob')).status === 200, 60_000);
    expect(performance.now() - startMs).toBeLessThan(recoveryMs);
  }

  expectPromisesKept(): void {
    // No handler ran with another session than its cookie's, or with a new session instead.
    expect(this.#strangers).toEqual([]);
    for (const { response, tookMs } of this.#responses) {
      expect([200, 503]).toContain(response.status);
      if (response.status === 503) expect(response.headers['retry-after']).toMatch(/^\d+$/);
      expect(tookMs).toBeLessThan(deadlineMs + slackMs);
    }
  }

  /** The change of a request that got a 503 may or may not be stored. */
  async expectNothingLost(): Promise<void> {
    for (const [user, browse] of this.#browsers.entries()) {
      const { body } = await browse(`/count/${user}?add=0`);
      expect(Number(body)).toBeGreaterThanOrEqual(this.#acknowledged[user] ?? 0);
      expect(Number(body)).toBeLessThanOrEqual((this.#acknowledged[user] ?? 0) + (this.#unsure[user] ?? 0));
    }
  }

  async #use(browse: Site['request'], user: number): Promise<void> {
    // A store that has just started may refuse the first connection.
    while ((await browse(`/login/${user}`)).status !== 200 && !this.#isStopped);
    while (!this.#isStopped) {
      const startMs = performance.now();
      const response = await browse(`/count/${user}?add=1`);
      this.#responses.push({ response, tookMs: performance.now() - startMs });
      const counts = response.status === 200 ? this.#acknowledged : this.#unsure;
      counts[user] = (counts[user] ?? 0) + 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

function addRoutes(app: Express, strangers: unknown[]): void {
  app.get('/login/:user', (req, res) => {
    req.session.userId = String(req.params.user);
    req.session.count = 0;
    res.send();
  });
  app.get('/count/:user', async (req, res) => {
    if (req.session.userId !== req.params.user) strangers.push([req.params.user, req.session.userId]);
    await req.session.update((data) => {
      data.count = (data.count ?? 0) + Number(req.query.add);
    });
    res.send(String(req.session.count));
  });
  app.get('/blob', (req, res) => {
    req.session.blob = 'x'.repeat(blobBytes);
    res.send();
  });
}

function usedBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
