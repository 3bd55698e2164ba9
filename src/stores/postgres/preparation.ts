import { setTimeout as wait } from 'node:timers/promises';
import { PostgresFailure } from './failure.ts';

const firstRestMs = 100;
const longestRestMs = 500;

/** What must succeed once before the store can be used: done in the background, again and again until it does. */
export class Preparation {
  readonly #prepare: () => Promise<void>;
  #first: Promise<boolean>;
  #failure: Error | undefined;
  #isReady = false;
  #isStopped = false;

  constructor(prepare: () => Promise<void>) {
    this.#prepare = prepare;
    this.#first = this.#start();
  }

  /** Resolves when the store can be used; rejects with why the last attempt failed, or when the first takes too long. */
  async verify(ms: number): Promise<void> {
    if (this.#isReady) return;
    if (!this.#failure) await Promise.race([this.#first, wait(ms, undefined, { ref: false })]);
    if (this.#failure) throw this.#failure;
    if (!this.#isReady) throw new PostgresFailure('PostgreSQL does not answer');
  }

  /** For when what was prepared is gone. */
  startAnew(): void {
    if (!this.#isReady || this.#isStopped) return;
    this.#isReady = false;
    this.#first = this.#start();
  }

  stop(): void {
    this.#isStopped = true;
  }

  #start(): Promise<boolean> {
    const first = this.#attempt();
    void this.#goOn(first);
    return first;
  }

  async #goOn(first: Promise<boolean>): Promise<void> {
    let isDone = await first;
    for (let restMs = firstRestMs; !isDone; restMs = Math.min(restMs * 2, longestRestMs)) {
      await wait(restMs * (0.5 + Math.random() / 2), undefined, { ref: false });
      if (this.#isStopped) return;
      isDone = await this.#attempt();
    }
  }

  async #attempt(): Promise<boolean> {
    try {
      await this.#prepare();
      this.#failure = undefined;
      this.#isReady = true;
    } catch (error) {
      this.#failure = error as Error;
    }
    return this.#isReady;
  }
}
