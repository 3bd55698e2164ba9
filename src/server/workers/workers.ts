import type { Logger } from 'pino';
import type { Listening } from '../messages.ts';
import { type Counts, createCounts, sumCounts } from '../metrics/counts.ts';
import type { DrainTimeouts } from '../traffic.ts';
import { type SlotContext, WorkerSlot } from './slot.ts';
import { WorkerProcess } from './worker-process.ts';

/** From the order to stop until a worker that still runs is ended for good: a little more than it gives its requests. */
const stopMs = 4700;

/** The workers of a server, each in its slot. */
export class Workers {
  readonly #stopping = new AbortController();
  #slots: WorkerSlot[] = [];
  /** Every process that has not exited: also one that starts, and one that retires. */
  readonly #running = new Set<WorkerProcess>();
  readonly #context: SlotContext;
  readonly #timeouts: DrainTimeouts;
  #variables: Record<string, string> = {};
  #leader: WorkerProcess | undefined;
  /** What workers counted that have exited. */
  #pastCounts: Counts = createCounts();

  /**
   * @param timeouts that of workers which retire
   * @param onChange is called when a worker begins to listen, or ends
   */
  constructor(log: Logger, timeouts: DrainTimeouts, onChange: () => void) {
    this.#timeouts = timeouts;
    this.#context = {
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
    return this.#slots.length;
  }

  /** How many workers answer. */
  get ready(): number {
    return this.#listening().length;
  }

  /** What all workers have counted, also those that have exited. */
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
    const [first, ...others] = Array.from({ length: count }, () => new WorkerSlot(this.#context)) as [
      WorkerSlot,
      ...WorkerSlot[],
    ];
    this.#slots = [first, ...others];
    const listening = await first.renew();
    for (const slot of others) void slot.fill();
    return listening;
  }

  /**
   * Replaces the workers one by one: each retires when the one that takes its slot listens.
   * @param onRenewed is called after each
   * @throws UserError with its reason when one does not start; those that are not replaced go on
   */
  async renew(count: number, onRenewed: () => void): Promise<void> {
    for (const slot of this.#slots.slice(0, count)) {
      await slot.renew();
      onRenewed();
    }
    while (this.#slots.length < count) {
      const slot = new WorkerSlot(this.#context);
      await slot.renew();
      this.#slots.push(slot);
      onRenewed();
    }
    for (const slot of this.#slots.splice(count)) await slot.close();
    this.#context.onChange();
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
    await Promise.all(running.map(({ exited }) => exited));
    clearTimeout(timer);
    return running.every(({ isDrained }) => isDrained);
  }

  #startWorker(): WorkerProcess {
    this.#stopping.signal.throwIfAborted();
    const worker = new WorkerProcess(this.#variables, this.#timeouts);
    this.#running.add(worker);
    void worker.exited.then(() => {
      this.#running.delete(worker);
      this.#pastCounts = sumCounts([this.#pastCounts, worker.counts]);
    });
    return worker;
  }

  #listening(): WorkerProcess[] {
    return this.#slots.map(({ worker }) => worker).filter((worker) => worker !== undefined);
  }

  // One worker deletes what has expired, for one. It stops when it retires.
  #nameLeader(): void {
    const workers = this.#listening();
    if (this.#leader && workers.includes(this.#leader)) return;
    this.#leader = workers[0];
    this.#leader?.order('lead');
  }
}
