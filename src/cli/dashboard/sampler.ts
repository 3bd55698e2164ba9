import { setTimeout as wait } from 'node:timers/promises';
import { type CountsState, counters } from '../../server/metrics/counts.ts';
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
  /** A second; undefined when no server tells. */
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
/** Counting reads the whole store; it must not take more than a twentieth of the time. */
const pauseFactor = 20;
const keptSamples = 300;

/** Counts the sessions of a store again and again. */
export class Sampler {
  readonly samples: Sample[] = [];
  state: StoreState = {};
  readonly #store: KeptStore;
  readonly #now: () => number;

  readonly #readCounts: () => Promise<CountsState | undefined>;
  #counts: CountsState | undefined;

  /** @param readCounts what the server counts now */
  constructor(store: KeptStore, readCounts: () => Promise<CountsState | undefined>, now: () => number) {
    this.#store = store;
    this.#readCounts = readCounts;
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
  // Sessions that began and ended in between are not seen.
  return { live, created, ended: Math.max(0, last.live + created - live) };
}
