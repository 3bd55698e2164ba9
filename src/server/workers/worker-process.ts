import cluster, { type Worker } from 'node:cluster';
import { UserError } from '../../errors.ts';
import { isMessage, type Listening, type Message, toEndFailure } from '../messages.ts';
import type { Counts } from '../metrics/counts.ts';
import type { Patience } from '../traffic.ts';
import { watchHandOver } from './hand-over.ts';
import type { Order } from './worker.ts';

/** How long a worker may take until it listens, from its retirement until the news of it, and to end once it failed. */
const startMs = 30_000;
const retireMs = 2000;
const lastWordsMs = 1000;
/** A worker that has retired counts as hung this long after its last request was to be cut. */
const graceMs = 5000;

/** A worker as its primary sees it. */
export class WorkerProcess {
  readonly #worker: Worker;
  readonly #said = new Map<Message['event'], Message>();
  #end: string | undefined;
  /** Resolves when the process has ended, with how: `exit code 1`, or `signal SIGKILL`. */
  readonly ended: Promise<string>;
  /** Resolves when it takes no connections any more, though it lives: another is to take its place. */
  readonly stuck: Promise<void>;

  readonly #longestMs: number;

  /** @param variables environment variables beside the primary's own */
  constructor(variables: Record<string, string>, { deadlineMs }: Patience) {
    this.#longestMs = deadlineMs + graceMs;
    this.#worker = cluster.fork(variables);
    this.#worker.on('message', (message: unknown) => {
      if (isMessage(message)) this.#said.set(message.event, message);
      // Under `serve --watch` Node.js reports what a worker imports.
      else if (process.env.WATCH_REPORT_DEPENDENCIES) process.send?.(message);
    });
    let endForgotten = (): void => undefined;
    this.stuck = new Promise((resolve) => {
      endForgotten = watchHandOver(this.#worker.process, resolve);
    });
    this.ended = this.#untilEnded();
    void this.ended.then(() => endForgotten());
  }

  get pid(): number | undefined {
    return this.#worker.process.pid;
  }

  get isListening(): boolean {
    return this.#said.has('listening') && this.#end === undefined;
  }

  /** False when it ended in the midst of requests. */
  get isDrained(): boolean {
    return this.#said.has('drained') || !this.#said.has('listening');
  }

  /** What it has counted, as far as it has said. */
  get counts(): Counts {
    const said = this.#said.get('counts');
    return said?.event === 'counts' ? said.counts : {};
  }

  /** @throws UserError with its own reason when it does not listen; it has ended then */
  async untilListening(): Promise<Listening> {
    const inTime = await this.#untilSaid(startMs, 'listening', 'failed');
    const said = this.#said.get('listening');
    if (said?.event === 'listening' && this.#end === undefined) return said;
    // It may be printing its reason, or a timer of the application may keep it running.
    const timer = setTimeout(() => this.kill(), inTime ? lastWordsMs : 0);
    await this.ended;
    clearTimeout(timer);
    throw inTime ? this.#explain() : tooSlow();
  }

  /** Resolves when it accepts nothing new; it ends by itself, once its requests have. */
  async retire(): Promise<void> {
    this.order('retire');
    const timer = setTimeout(() => this.kill(), this.#longestMs);
    void this.ended.then(() => clearTimeout(timer));
    await this.#untilSaid(retireMs, 'retiring');
    this.order('released');
  }

  order(order: Order): void {
    // One that is about to end hears no more.
    if (this.#worker.isConnected()) this.#worker.send(order, () => undefined);
  }

  stop(): void {
    this.#worker.process.kill('SIGTERM');
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL');
  }

  async #untilEnded(): Promise<string> {
    const child = this.#worker.process;
    this.#end = await new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ? `signal ${signal}` : `exit code ${code}`));
      // The system may refuse another process.
      this.#worker.on('error', (error) => child.pid === undefined && resolve(String(error)));
    });
    // What it said last may arrive after the news of its end.
    if (child.connected) await new Promise((resolve) => child.once('disconnect', resolve));
    return this.#end;
  }

  /** @returns false when it has said none of this in time, and has not ended */
  async #untilSaid(ms: number, ...events: Message['event'][]): Promise<boolean> {
    const isSaid = (): boolean => events.some((event) => this.#said.has(event));
    if (isSaid()) return true;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms, false);
      const settle = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      this.#worker.on('message', () => isSaid() && settle());
      void this.ended.then(settle);
    });
  }

  #explain(): UserError {
    const failed = this.#said.get('failed');
    if (failed?.event === 'failed') return new UserError(failed.code, failed.message, failed.hint);
    const end = this.#end ?? '';
    const { code, message, hint } = toEndFailure(`The server exited before it was listening (${end}).`, end);
    return new UserError(code, message, hint);
  }
}

function tooSlow(): UserError {
  const fact = `The server did not listen within ${startMs / 1000} s.`;
  return new UserError('server-slow', fact, 'Check what the application does when it starts.');
}
