import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Listening } from '../messages.ts';
import type { WorkerProcess } from './worker-process.ts';

/** If a worker has run this long, its exit is not a failed start. */
const steadyMs = 10_000;
const firstDelayMs = 100;
const longestDelayMs = 5000;

/** The context that all slots share. */
export interface SlotContext {
  startWorker(): WorkerProcess;
  onChange(): void;
  stopping: AbortSignal;
  log: Logger;
}

/**
 * The delay before another worker replaces a worker that has exited.
 * @param earlyExits how many workers in a row exited early, including this one
 */
export function backOffMs(earlyExits: number): number {
  return earlyExits === 0 ? 0 : Math.min(firstDelayMs * 2 ** (earlyExits - 1), longestDelayMs);
}

/** A slot for one worker. When the worker exits, another one replaces it. */
export class WorkerSlot {
  readonly #context: SlotContext;
  #worker: WorkerProcess | undefined;
  #isClosed = false;
  #earlyExits = 0;
  /** How many workers were started in this slot, and the number of the current one. */
  #started = 0;
  #currentNumber = 0;

  constructor(context: SlotContext) {
    this.#context = context;
  }

  /** The current worker, if it is listening. */
  get worker(): WorkerProcess | undefined {
    return this.#worker?.isListening ? this.#worker : undefined;
  }

  /**
   * Starts a worker. Once it listens, it becomes the current worker, and the previous one retires.
   * @throws UserError with the worker's reason when it does not listen; the previous worker keeps running
   */
  async renew(): Promise<Listening> {
    this.#started += 1;
    const number = this.#started;
    const worker = this.#context.startWorker();
    const listening = await worker.untilListening();
    const other = this.#isClosed || number < this.#currentNumber ? worker : this.#install(worker, number);
    await other?.retire();
    return listening;
  }

  /** Starts a worker, and retries until one listens. */
  async fill(): Promise<void> {
    while (this.#isOpen && !this.worker) {
      try {
        await this.renew();
        return;
      } catch (error) {
        this.#earlyExits += 1;
        if (this.#isOpen) await this.#waitBeforeRestart(`a worker did not start: ${(error as Error).message}`);
      }
    }
  }

  /** Retires the worker. No other worker replaces it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.retire();
  }

  get #isOpen(): boolean {
    return !this.#isClosed && !this.#context.stopping.aborted;
  }

  /** @returns the previous worker */
  #install(worker: WorkerProcess, number: number): WorkerProcess | undefined {
    const before = this.#worker;
    this.#worker = worker;
    this.#currentNumber = number;
    const sinceMs = Date.now();
    void worker.exited.then((exit) => this.#onExit(worker, exit, Date.now() - sinceMs));
    void worker.stuck.then(() => this.#replace(worker));
    this.#context.onChange();
    return before;
  }

  async #onExit({ pid }: WorkerProcess, exit: string, livedMs: number): Promise<void> {
    // A worker that was replaced is expected to exit.
    if (this.#worker?.pid !== pid) return;
    this.#worker = undefined;
    this.#context.onChange();
    if (!this.#isOpen) return;
    this.#earlyExits = livedMs < steadyMs ? this.#earlyExits + 1 : 0;
    await this.#waitBeforeRestart(`worker ${pid} exited (${exit})`);
    await this.fill();
  }

  /** Replaces a stuck worker. It can still finish its requests. */
  async #replace(worker: WorkerProcess): Promise<void> {
    if (this.#worker !== worker || !this.#isOpen) return;
    this.#context.log.error(`worker ${worker.pid} no longer accepts connections; another replaces it`);
    try {
      await this.renew();
    } catch (error) {
      this.#context.log.error(`${(error as Error).message}; killing worker ${worker.pid}`);
      worker.kill();
    }
  }

  async #waitBeforeRestart(reason: string): Promise<void> {
    const ms = backOffMs(this.#earlyExits);
    this.#context.log.error(`${reason}; another starts ${ms === 0 ? 'at once' : `in ${ms} ms`}`);
    await wait(ms, undefined, { signal: this.#context.stopping }).catch(ignoreAbort);
  }
}

function ignoreAbort(error: Error): void {
  if (error.name !== 'AbortError') throw error;
}
