import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Listening } from '../messages.ts';
import type { WorkerProcess } from './worker-process.ts';

/** A worker that has lived this long did not die of its start. */
const steadyMs = 10_000;
const firstDelayMs = 100;
const longestDelayMs = 5000;

/** What all places share. */
export interface SlotContext {
  startWorker(): WorkerProcess;
  onChange(): void;
  stopping: AbortSignal;
  log: Logger;
}

/**
 * How long the place of a worker that died stays empty.
 * @param earlyExits how many in a row, this one included, did not live long
 */
export function backOffMs(earlyExits: number): number {
  return earlyExits === 0 ? 0 : Math.min(firstDelayMs * 2 ** (earlyExits - 1), longestDelayMs);
}

/** Room for one worker. When it dies, another takes its place. */
export class WorkerSlot {
  readonly #context: SlotContext;
  #worker: WorkerProcess | undefined;
  #isClosed = false;
  #earlyExits = 0;
  /** How many workers were started here, and the number of the one that has the place. */
  #started = 0;
  #currentNumber = 0;

  constructor(context: SlotContext) {
    this.#context = context;
  }

  /** The worker that answers here, if one does. */
  get worker(): WorkerProcess | undefined {
    return this.#worker?.isListening ? this.#worker : undefined;
  }

  /**
   * Starts a worker. Once it listens it has the place, and the one before retires.
   * @throws UserError with its reason when it does not listen; the one before goes on
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

  /** Keeps a worker here, however often it has to be started. */
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

  /** Another worker takes its place no more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.retire();
  }

  get #isOpen(): boolean {
    return !this.#isClosed && !this.#context.stopping.aborted;
  }

  /** @returns the worker before */
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
    // One that has lost the place to another was asked to.
    if (this.#worker?.pid !== pid) return;
    this.#worker = undefined;
    this.#context.onChange();
    if (!this.#isOpen) return;
    this.#earlyExits = livedMs < steadyMs ? this.#earlyExits + 1 : 0;
    await this.#waitBeforeRestart(`worker ${pid} ended with ${exit}`);
    await this.fill();
  }

  /** It may still answer what it has begun. */
  async #replace(worker: WorkerProcess): Promise<void> {
    if (this.#worker !== worker || !this.#isOpen) return;
    this.#context.log.error(`worker ${worker.pid} takes no connections any more; another takes its place`);
    try {
      await this.renew();
    } catch (error) {
      this.#context.log.error(`${(error as Error).message}; worker ${worker.pid} is ended`);
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
