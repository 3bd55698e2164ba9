import type { Logger } from 'pino';
import type { Listening } from '../messages.ts';
import { type Counts, createCounts, sumCounts } from '../metrics/counts.ts';
import type { Patience } from '../traffic.ts';
import { type Site, WorkerSlot } from './slot.ts';
import { WorkerProcess } from './worker-process.ts';

/** From the order to stop until a worker that still runs is ended for good: a little more than it gives its requests. */
const stopMs = 4700;

/** The workers of a server, each in its place. */
export class Workers {
  readonly #stopping = new AbortController();
  #places: WorkerSlot[] = [];
  /** Every process that has not ended: also one that starts, and one that retires. */
  readonly #running = new Set<WorkerProcess>();
  readonly #site: Site;
  readonly #patience: Patience;
  #variables: Record<string, string> = {};
  #leader: WorkerProcess | undefined;
  /** What workers counted that have ended. */
  #pastCounts: Counts = createCounts();

  /**
   * @param patience that of workers which retire
   * @param onChange is called when a worker begins to listen, or ends
   */
  constructor(log: Logger, patience: Patience, onChange: () => void) {
    this.#patience = patience;
    this.#site = {
      startWorker: () => this.#startWorker(),
      onChange: () => {
        this.#nameLeader();
        onChange();
      },
      stopping: this.#stopping.signal,
      log,
    };
  }

  /** How many places there are. */
  get count(): number {
    return this.#places.length;
  }

  /** How many workers answer. */
  get ready(): number {
    return this.#listening().length;
  }

  /** What all workers have counted, also those that have ended. */
  get counts(): Counts {
    return sumCounts([this.#pastCounts, ...[...this.#running].map(({ counts }) => counts)]);
  }

  /**
   * Starts the first worker, and the others once that one listens: what is wrong with all of them is said once.
   * @param variables environment variables of every worker
   * @throws UserError with its reason when it does not listen
   */
  async start(count: number, variables: Record<string, string>): Promise<Listening> {
    this.#variables = variables;
    const [first, ...others] = Array.from({ length: count }, () => new WorkerSlot(this.#site)) as [
      WorkerSlot,
      ...WorkerSlot[],
    ];
    this.#places = [first, ...others];
    const listening = await first.renew();
    for (const place of others) void place.fill();
    return listening;
  }

  /**
   * Replaces the workers one by one: each retires when the one that takes its place listens.
   * @param onRenewed is called after each
   * @throws UserError with its reason when one does not start; those that are not replaced go on
   */
  async renew(count: number, onRenewed: () => void): Promise<void> {
    for (const place of this.#places.slice(0, count)) {
      await place.renew();
      onRenewed();
    }
    while (this.#places.length < count) {
      const place = new WorkerSlot(this.#site);
      await place.renew();
      this.#places.push(place);
      onRenewed();
    }
    for (const place of this.#places.splice(count)) await place.close();
    this.#site.onChange();
  }

  /**
   * Asks every worker to stop, each time it is called, and waits until they have.
   * @returns false when requests were cut
   */
  async stop(): Promise<boolean> {
    this.#stopping.abort();
    const running = [...this.#running];
    for (const worker of running) worker.stop();
    const timer = setTimeout(() => {
      for (const worker of running) worker.kill();
    }, stopMs);
    await Promise.all(running.map(({ ended }) => ended));
    clearTimeout(timer);
    return running.every(({ isDrained }) => isDrained);
  }

  #startWorker(): WorkerProcess {
    this.#stopping.signal.throwIfAborted();
    const worker = new WorkerProcess(this.#variables, this.#patience);
    this.#running.add(worker);
    void worker.ended.then(() => {
      this.#running.delete(worker);
      this.#pastCounts = sumCounts([this.#pastCounts, worker.counts]);
    });
    return worker;
  }

  #listening(): WorkerProcess[] {
    return this.#places.map(({ worker }) => worker).filter((worker) => worker !== undefined);
  }

  // One worker deletes what has expired, for one. It stops when it retires.
  #nameLeader(): void {
    const workers = this.#listening();
    if (this.#leader && workers.includes(this.#leader)) return;
    this.#leader = workers[0];
    this.#leader?.order('lead');
  }
}
