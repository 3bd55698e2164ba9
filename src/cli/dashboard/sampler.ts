import { setTimeout as wait } from 'node:timers/promises';
import { type CountsState, counters } from '../../server/metrics/counts.ts';
import type { Tally } from '../admin/session-summary.ts';
import type { KeptStore } from './kept-store.ts';
import { type Failure, toFailure } from './overview.ts';

/** The counts at one time. */
export interface Sample {
  atMs: number;
  live: number;
  /** `created` and `ended` count since the previous sample. */
  created: number;
  ended: number;
  /** Per second; undefined when there is no server with counters. */
  requests?: number;
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
/** Counting reads the whole store, so it may take at most 1/20 of the time. */
const pauseFactor = 20;
const keptSamples = 300;

/** Counts the sessions of a store repeatedly. */
export class Sampler {
  readonly samples: Sample[] = [];
  state: StoreState = {};
  readonly #store: KeptStore;
  readonly #now: () => number;

  readonly #readCounts: () => Promise<CountsState | undefined>;
  #counts: CountsState | undefined;

  /** @param readCounts reads the server's current counters */
  constructor(store: KeptStore, readCounts: () => Promise<CountsState | undefined>, now: () => number) {
    this.#store = store;
    this.#readCounts = readCounts;
    this.#now = now;
  }

  /** Runs until the signal aborts. */
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
        this.#add({ atMs, ...compare(tally, last), ...(await this.#countRequests()) });
        this.state = { tally, countedAtMs: atMs, pingMs };
      });
    } catch (error) {
      this.state = { ...this.state, failure: toFailure(error) };
    }
  }

  async #countRequests(): Promise<Pick<Sample, 'requests'>> {
    const last = this.#counts;
    this.#counts = await this.#readCounts();
    if (!last || last.pid !== this.#counts?.pid) return {};
    const { atMs, counts } = this.#counts;
    const name = counters.requests[0];
    const requests = (counts[name] ?? 0) - (last.counts[name] ?? 0);
    return { requests: requests === 0 ? 0 : (1000 * requests) / (atMs - last.atMs) };
  }

  #add(sample: Sample): void {
    this.samples.push(sample);
    if (this.samples.length > keptSamples) this.samples.shift();
  }
}

function compare({ live, created }: Tally, last: Sample | undefined): Omit<Sample, 'atMs'> {
  if (!last) return { live, created: 0, ended: 0 };
  // Sessions that started and ended between two samples are not counted.
  return { live, created, ended: Math.max(0, last.live + created - live) };
}
