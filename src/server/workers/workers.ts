import type { Logger } from 'pino';
import type { Listening } from '../messages.ts';
import { type Counts, createCounts, sumCounts } from '../metrics/counts.ts';
import type { DrainTimeouts } from '../traffic.ts';
import { type SlotContext, WorkerSlot } from './slot.ts';
import { WorkerProcess } from './worker-process.ts';

/** How long workers may take to stop before they are killed: a little longer than their own deadline for requests. */
const stopMs = 4700;

/** The workers of a server, each in its slot. */
export class Workers {
  readonly #stopping = new AbortController();
  #slots: WorkerSlot[] = [];
  /** Every worker process that has not exited, including those that are starting or retiring. */
  readonly #running = new Set<WorkerProcess>();
  readonly #context: SlotContext;
  readonly #timeouts: DrainTimeouts;
  #variables: Record<string, string> = {};
  #leader: WorkerProcess | undefined;
  /** The counts of workers that have exited. */
  #pastCounts: Counts = createCounts();

  /**
   * @param timeouts the timeouts of retiring workers
   * @param onChange called when a worker starts to listen, or exits
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

  /** The number of slots. */
  get count(): number {
    return this.#slots.length;
  }

  /** The number of workers that serve requests. */
  get ready(): number {
    return this.#listening().length;
  }

  /** The counts of all workers, including those that have exited. */
  get counts(): Counts {
    return sumCounts([this.#pastCounts, ...[...this.#running].map(({ counts }) => counts)]);
  }

  /**
   * Starts the first worker, and the others once it listens, so that a common failure is reported only once.
   * @param variables environment variables of every worker
   * @throws UserError with the first worker's reason when it does not listen
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
   * Replaces the workers one by one. Each retires when its replacement listens.
   * @param onRenewed called after each replacement
   * @throws UserError with the worker's reason when one does not start; the remaining workers keep running
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
   * Sends every worker a stop signal, on each call, and waits until all have exited.
   * @returns false when requests were interrupted
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

  // One worker does the work for all, such as deleting expired sessions. It stops doing so when it retires.
  #nameLeader(): void {
    const workers = this.#listening();
    if (this.#leader && workers.includes(this.#leader)) return;
    this.#leader = workers[0];
    this.#leader?.order('lead');
  }
}
