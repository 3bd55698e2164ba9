import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Sandbox } from './sandbox.ts';
import { addRoutes, copyEnvironment, type HttpResponse, request, startPlain } from './server.ts';

const routes = `
  app.get('/login', (req, res) => { req.session.userId = 'ann'; res.send('in'); });
  app.get('/set', (req, res) => { req.session[req.query.key] = req.query.value; res.send('set'); });
  app.get('/count', async (req, res) => {
    await req.session.update((data) => { data.count = (data.count ?? 0) + 1; });
    res.send('counted');
  });
  app.get('/regenerate', (req, res) => req.session.regenerate(() => { req.session.userId = 'ann'; res.send('new'); }));
  app.get('/logout', (req, res) => req.session.destroy(() => res.send('out')));
  app.get('/show', ({ session: { cookie, ...data } }, res) => res.json(data));`;

/** Counts the work, so that a test can check that there was any. */
export interface Tally {
  writes: number;
  ends: number;
  doubts: number;
}

type Ask = (path: string, cookie?: string) => Promise<HttpResponse>;
type Data = Record<string, string | number>;

/** Serves an environment with two processes. Each round kills both under load, then checks the stored sessions. */
export async function killLoop(sandbox: Sandbox, rounds: number): Promise<Tally> {
  const directory = await copyEnvironment(sandbox);
  await addRoutes(directory, routes);
  const tally = { writes: 0, ends: 0, doubts: 0 };
  const keepers = Array.from({ length: 3 }, () => new Keeper(tally));
  const leavers = Array.from({ length: 3 }, () => new Leaver(tally));
  for (let round = 0; ; round += 1) {
    const servers = await Promise.all([startPlain(sandbox, directory), startPlain(sandbox, directory)]);
    const ask: Ask = async (path, cookie) => {
      const { url } = servers[Math.random() < 0.5 ? 0 : 1];
      return request(url + path, cookie ? { Cookie: cookie } : {});
    };
    for (const client of [...keepers, ...leavers]) await client.verify(ask);
    if (round === rounds) return tally;
    let isKilled = false;
    const isEnd = (error: unknown): boolean => isKilled && isCut(error);
    const load = [...keepers, ...keepers, ...leavers].map((client, tab) => repeat(() => client.act(ask, tab), isEnd));
    const ended = servers.map(({ child }) => once(child, 'close'));
    await Promise.race([someWork(tally), ...load]);
    isKilled = true;
    for (const { child } of servers) expect(child.kill('SIGKILL')).toBe(true);
    await Promise.all([...load, ...ended]);
    for (const { output } of servers) expect(output()).not.toMatch(/ 500 | 503 |rror/);
  }
}

// Kill only after some requests, so that a slow machine also has data to lose.
async function someWork(tally: Tally): Promise<void> {
  const enough = tally.writes + tally.ends + 10 + Math.random() * 90;
  for (const end = Date.now() + 10_000; tally.writes + tally.ends < enough && Date.now() < end; ) await wait(1);
  await wait(Math.random() * 20);
}

async function repeat(act: () => Promise<void>, isEnd: (error: unknown) => boolean): Promise<void> {
  for (;;) {
    try {
      await act();
    } catch (error) {
      if (isEnd(error)) return;
      throw error;
    }
  }
}

function isCut(error: unknown): boolean {
  return ['ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/** A user whose session continues. Two tabs write to it, each to its own keys, and both count. */
class Keeper {
  readonly #tally: Tally;
  #login: Promise<HttpResponse> | undefined;
  #cookie = '';
  readonly #written: Data = {};
  /** The requests that were pending when the servers were killed. They may have taken effect or not. */
  readonly #doubtful: Data = {};
  #counts = 0;
  #doubtfulCounts = 0;

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  async act(ask: Ask, tab: number): Promise<void> {
    if (this.#cookie === '') return this.#begin(ask);
    if (Math.random() < 0.3) await this.#count(ask);
    else await this.#set(ask, `tab${tab}key${Math.floor(Math.random() * 4)}`, `${Math.random()}`);
    this.#tally.writes += 1;
  }

  async verify(ask: Ask): Promise<void> {
    if (this.#cookie === '') return;
    const { userId, count = 0, ...data } = JSON.parse((await ask('/show', this.#cookie)).body) as Data;
    expect(userId).toBe('ann');
    expect(Number(count)).toBeGreaterThanOrEqual(this.#counts);
    expect(Number(count)).toBeLessThanOrEqual(this.#counts + this.#doubtfulCounts);
    const isDone = ([key, value]: [string, unknown]): boolean => data[key] === value;
    Object.assign(this.#written, Object.fromEntries(Object.entries(this.#doubtful).filter(isDone)));
    expect(data).toEqual(this.#written);
    this.#tally.doubts += Object.keys(this.#doubtful).length + this.#doubtfulCounts;
    for (const key of Object.keys(this.#doubtful)) delete this.#doubtful[key];
    this.#counts = Number(count);
    this.#doubtfulCounts = 0;
  }

  async #begin(ask: Ask): Promise<void> {
    this.#login ??= ask('/login').finally(() => {
      this.#login = undefined;
    });
    this.#cookie = (await this.#login).cookie;
  }

  async #count(ask: Ask): Promise<void> {
    this.#doubtfulCounts += 1;
    expect((await ask('/count', this.#cookie)).body).toBe('counted');
    this.#doubtfulCounts -= 1;
    this.#counts += 1;
  }

  async #set(ask: Ask, key: string, value: string): Promise<void> {
    this.#doubtful[key] = value;
    expect((await ask(`/set?key=${key}&value=${value}`, this.#cookie)).body).toBe('set');
    delete this.#doubtful[key];
    this.#written[key] = value;
  }
}

/** A user whose sessions end, by logout or regeneration, while another tab still writes. */
class Leaver {
  readonly #tally: Tally;
  #cookie = '';
  #ended: string[] = [];

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  async act(ask: Ask): Promise<void> {
    const old = this.#cookie;
    this.#cookie = '';
    if (old === '') {
      this.#cookie = (await ask('/login')).cookie;
      return;
    }
    const late = ask(`/set?key=late&value=1`, old).catch(() => undefined);
    const response = await ask(Math.random() < 0.5 ? '/logout' : '/regenerate', old);
    expect(response.status).toBe(200);
    this.#ended.push(old);
    this.#tally.ends += 1;
    await late;
    this.#cookie = response.cookie;
  }

  async verify(ask: Ask): Promise<void> {
    for (const cookie of this.#ended) expect((await ask('/show', cookie)).body).toBe('{}');
    this.#ended = [];
    if (this.#cookie) expect((await ask('/show', this.#cookie)).body).toBe('{"userId":"ann"}');
  }
}
