import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Driver, StoredRecord } from '../../src/stores/driver.ts';
import { wrap } from '../../src/stores/wrap.ts';
import { createRandom, MemoryStore } from '../support/memory-store.ts';
import { change, record } from './contract-support.ts';

const keys = ['a', 'b', 'c', 'd', 'e'];

/** How sessions move from one store to another. */
export interface Move {
  /** The driver of a process in each phase. Processes may be in adjacent phases at the same time. */
  phases: ((from: Driver, to: Driver) => Driver)[];
  /** The work of the moving process in the phase before the last. Resolves with false when the process died. */
  finish?: (race: Race) => Promise<boolean>;
  /** Changes a session's data. By default it increments a counter. */
  change?: (data: string, number: number) => string;
}

/** The actions on one session, and which of them were acknowledged. */
interface Account {
  tried: number;
  done: number;
  isEnding: boolean;
  isEnded: boolean;
}

/** Processes that work on sessions during a move, each at a different pace. Some of them die. */
export class Race {
  readonly random: () => number;
  readonly from: MemoryStore;
  readonly to: MemoryStore;
  readonly accounts = new Map(keys.map((key): [string, Account] => [key, newAccount()]));
  readonly faults: string[] = [];
  phase = 0;
  isOver = false;
  readonly #move: Move;
  /** The phases in which the running calls began. */
  readonly #running = new Map<number, number>();
  /** How many actions each process has started. */
  readonly #actions = new Map<number, number>();

  constructor(seed: number, move: Move) {
    this.#move = move;
    this.random = createRandom(seed);
    this.from = new MemoryStore(this.random);
    this.to = new MemoryStore(this.random);
  }

  async run(): Promise<void> {
    const first = this.from.connect();
    for (const key of keys) await first.create(key, record({ data: '{"n":0}' }));
    const workers = Array.from({ length: 5 }, (_, n) => this.#work(n));
    const last = this.#move.phases.length - 1;
    for (let next = 1; next < last; next += 1) await this.#reach(next);
    while (this.#move.finish && !(await this.#move.finish(this)));
    await this.#untilCallsEnd();
    await this.#reach(last);
    for (let turns = 0; turns < 50; turns += 1) await turn();
    this.isOver = true;
    await Promise.all(workers);
  }

  // A phase begins only when no process and no call is two phases behind it.
  async #reach(phase: number): Promise<void> {
    for (let turns = this.random() * 30; turns > 0; turns -= 1) await turn();
    this.phase = phase;
    while ([...this.#running.values()].some((own) => own < phase)) await turn();
  }

  // The command waits too, between the last session that it clears and the next phase.
  async #untilCallsEnd(): Promise<void> {
    const begun = new Map(this.#actions);
    while ([...begun].some(([number, action]) => this.#actions.get(number) === action)) await turn();
  }

  async #work(number: number): Promise<void> {
    let life = number === 0 ? Math.floor(this.random() * 100) : Number.POSITIVE_INFINITY;
    const isAlive = (): boolean => life-- > 0;
    const ways = this.#ways(isAlive);
    const driver = wrap((call) => call(ways[this.#running.get(number) ?? 0] as Driver));
    const act = async (): Promise<void> => {
      while (!this.isOver && life > 0) {
        this.#running.set(number, this.phase);
        this.#actions.set(number, (this.#actions.get(number) ?? 0) + 1);
        await this.#actOnce(driver);
        await turn();
      }
    };
    const death = async (): Promise<void> => {
      while (life > 0 && !this.isOver) await turn();
    };
    await Promise.race([act(), death()]);
    this.#running.delete(number);
    this.#actions.delete(number);
  }

  #ways(isAlive: () => boolean): Driver[] {
    return this.#move.phases.map((open) => open(this.from.connect(isAlive), this.to.connect(isAlive)));
  }

  async #actOnce(driver: Driver): Promise<void> {
    const key = keys[Math.floor(this.random() * keys.length)] ?? '';
    const account = this.accounts.get(key) as Account;
    const chance = this.random();
    if (chance < 0.02) await this.#end(driver, key, account);
    else if (chance < 0.3) await this.#touch(driver, key, account);
    else await this.#increment(driver, key, account);
  }

  async #end(driver: Driver, key: string, account: Account): Promise<void> {
    account.isEnding = true;
    await driver.delete(key);
    account.isEnded = true;
  }

  async #touch(driver: Driver, key: string, account: Account): Promise<void> {
    const wasEnded = account.isEnded;
    const found = await readLive(driver, key);
    if (found && wasEnded) this.faults.push(`${key} came back in phase ${this.phase}`);
    if (!found && !account.isEnding) this.faults.push(`${key} was lost in phase ${this.phase}`);
    if (found) await driver.touch(key, found.version, 1, 4e12 + this.random());
  }

  async #increment(driver: Driver, key: string, account: Account): Promise<void> {
    account.tried += 1;
    const number = account.tried;
    const { change: makeChange = countUp } = this.#move;
    const live = await readLive(driver, key);
    const isDone = live !== undefined && (await change(driver, key, (data) => makeChange(data, number)));
    if (isDone) account.done += 1;
    else if (!account.isEnding) this.faults.push(`${key} could not be changed in phase ${this.phase}`);
  }
}

async function readLive(driver: Driver, key: string): Promise<StoredRecord | undefined> {
  const found = await driver.read(key);
  return found && found.expiresAtMs > Date.now() ? found : undefined;
}

function newAccount(): Account {
  return { tried: 0, done: 0, isEnding: false, isEnded: false };
}

const countUp = (data: string): string => JSON.stringify({ n: countOf(data) + 1 });

/** An idempotent change. */
export const addKey = (data: string, number: number): string =>
  JSON.stringify({ ...JSON.parse(data), [`change${number}`]: true });

function countOf(data: string): number {
  const { n, ...keys } = JSON.parse(data) as { n: number };
  return n + Object.keys(keys).length;
}

/**
 * Runs many races, and checks that in any order of events no session or acknowledged change is lost, and no destroyed
 * session comes back.
 * @param verify checks what is left in the old store
 */
export async function raceOften(move: Move, verify: (race: Race, seed: number) => Promise<void>): Promise<void> {
  for (let seed = 1; seed <= 300; seed += 1) {
    const race = new Race(seed, move);
    await race.run();
    expect(race.faults, `seed ${seed}`).toEqual([]);
    await verify(race, seed);
    for (const [key, { tried, done, isEnding, isEnded }] of race.accounts) {
      const found = race.to.records.get(key);
      const isThere = found !== undefined && found.expiresAtMs > Date.now() && found.createdAtMs > 0;
      if (isEnded) expect(isThere, `seed ${seed}: ${key} came back`).toBe(false);
      if (isEnding) continue;
      const count = countOf(found?.data ?? '');
      expect(count, `seed ${seed}: ${key}`).toBeGreaterThanOrEqual(done);
      expect(count, `seed ${seed}: ${key}`).toBeLessThanOrEqual(tried);
    }
  }
}
