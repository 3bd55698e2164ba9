import { setTimeout as wait } from 'node:timers/promises';
import type { Tally } from '../admin/session-summary.ts';
import type { KeptStore } from './kept-store.ts';
import { type Failure, toFailure } from './overview.ts';

/** What is counted at one time. */
export interface Sample {
  atMs: number;
  live: number;
  /** Since the sample before. */
  created: number;
  ended: number;
}

export interface StoreState {
  tally?: Tally;
  /** When `tally` was counted. */
  countedAtMs?: number;
  pingMs?: number;
  /** Why the store cannot be used now. */
  failure?: Failure;
}

const leastPauseMs = 2000;
/** Counting reads the whole store; it must not take more than a twentieth of the time. */
const pauseFactor = 20;
const keptSamples = 300;

/** Counts the sessions of a store again and again. */
export class Sampler {
  readonly samples: Sample[] = [];
  state: StoreState = {};
  readonly #store: KeptStore;
  readonly #now: () => number;

  constructor(store: KeptStore, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /** Goes on until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const startMs = performance.now();
      await this.#sample();
      const pauseMs = Math.max(leastPauseMs, pauseFactor * (performance.now() - startMs));
      await wait(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #sample(): Promise<void> {
    try {
      await this.#store.use(async (store, pingMs) => {
        const atMs = this.#now();
        const last = this.samples.at(-1);
        const tally = await store.tally(atMs, last?.atMs);
        this.#add({ atMs, ...compare(tally, last) });
        this.state = { tally, countedAtMs: atMs, pingMs };
      });
    } catch (error) {
      this.state = { ...this.state, failure: toFailure(error) };
    }
  }

  #add(sample: Sample): void {
    this.samples.push(sample);
    if (this.samples.length > keptSamples) this.samples.shift();
  }
}

function compare({ live, created }: Tally, last: Sample | undefined): Omit<Sample, 'atMs'> {
  if (!last) return { live, created: 0, ended: 0 };
  // Sessions that began and ended in between are not seen.
  return { live, created, ended: Math.max(0, last.live + created - live) };
}
