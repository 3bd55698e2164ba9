import { setTimeout as wait } from 'node:timers/promises';
import { PostgresFailure } from './failure.ts';

const firstDelayMs = 100;
const longestDelayMs = 500;

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
  restart(): void {
    if (!this.#isReady || this.#isStopped) return;
    this.#isReady = false;
    this.#first = this.#start();
  }

  stop(): void {
    this.#isStopped = true;
  }

  #start(): Promise<boolean> {
    const first = this.#attempt();
    void this.#retry(first);
    return first;
  }

  async #retry(first: Promise<boolean>): Promise<void> {
    let isDone = await first;
    for (let delayMs = firstDelayMs; !isDone; delayMs = Math.min(delayMs * 2, longestDelayMs)) {
      await wait(delayMs * (0.5 + Math.random() / 2), undefined, { ref: false });
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
