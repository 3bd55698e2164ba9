import cluster, { type Worker } from 'node:cluster';
import { UserError } from '../../errors.ts';
import { isMessage, type Listening, type Message, toExitFailure } from '../messages.ts';
import type { Counts } from '../metrics/counts.ts';
import type { DrainTimeouts } from '../traffic.ts';
import { watchHandOver } from './hand-over.ts';
import type { Order } from './worker.ts';

/** The timeouts of a worker: to listen, to confirm that it retires, and to exit after a failed start. */
const startMs = 30_000;
const retireMs = 2000;
const exitMs = 1000;
/** A retired worker is killed this long after its drain deadline. */
const graceMs = 5000;

/** A worker, from the primary's side. */
export class WorkerProcess {
  readonly #worker: Worker;
  readonly #messages = new Map<Message['event'], Message>();
  #exit: string | undefined;
  /** Resolves when the process has exited, with the cause: `exit code 1`, or `signal SIGKILL`. */
  readonly exited: Promise<string>;
  /** Resolves when the worker runs but no longer accepts connections, so that another must replace it. */
  readonly stuck: Promise<void>;

  readonly #killAfterMs: number;

  /** @param variables environment variables, in addition to the primary's */
  constructor(variables: Record<string, string>, { deadlineMs }: DrainTimeouts) {
    this.#killAfterMs = deadlineMs + graceMs;
    this.#worker = cluster.fork(variables);
    this.#worker.on('message', (message: unknown) => {
      if (isMessage(message)) this.#messages.set(message.event, message);
      // Under `serve --watch` Node.js reports what a worker imports.
      else if (process.env.WATCH_REPORT_DEPENDENCIES) process.send?.(message);
    });
    let closePending = (): void => undefined;
    this.stuck = new Promise((resolve) => {
      closePending = watchHandOver(this.#worker.process, resolve);
    });
    this.exited = this.#untilExited();
    void this.exited.then(() => closePending());
  }

  get pid(): number | undefined {
    return this.#worker.process.pid;
  }

  get isListening(): boolean {
    return this.#messages.has('listening') && this.#exit === undefined;
  }

  /** False when it exited during requests. */
  get isDrained(): boolean {
    return this.#messages.has('drained') || !this.#messages.has('listening');
  }

  /** The counts that it has reported. */
  get counts(): Counts {
    const message = this.#messages.get('counts');
    return message?.event === 'counts' ? message.counts : {};
  }

  /** @throws UserError with the worker's reason when it does not listen; the worker has then exited */
  async untilListening(): Promise<Listening> {
    const inTime = await this.#untilMessage(startMs, 'listening', 'failed');
    const message = this.#messages.get('listening');
    if (message?.event === 'listening' && this.#exit === undefined) return message;
    // The worker may still be printing its reason, or a timer of the application may keep it running.
    const timer = setTimeout(() => this.kill(), inTime ? exitMs : 0);
    await this.exited;
    clearTimeout(timer);
    throw inTime ? this.#explain() : tooSlow();
  }

  /** Resolves when the worker accepts no new connections. It exits by itself after its last request. */
  async retire(): Promise<void> {
    this.order('retire');
    const timer = setTimeout(() => this.kill(), this.#killAfterMs);
    void this.exited.then(() => clearTimeout(timer));
    await this.#untilMessage(retireMs, 'retiring');
    this.order('released');
  }

  order(order: Order): void {
    // A worker that is about to exit has closed its channel.
    if (this.#worker.isConnected()) this.#worker.send(order, () => undefined);
  }

  stop(): void {
    this.#worker.process.kill('SIGTERM');
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL');
  }

  async #untilExited(): Promise<string> {
    const child = this.#worker.process;
    this.#exit = await new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ? `signal ${signal}` : `exit code ${code}`));
      // The system may not be able to start another process.
      this.#worker.on('error', (error) => child.pid === undefined && resolve(String(error)));
    });
    // Its last messages can arrive after the 'exit' event.
    if (child.connected) await new Promise((resolve) => child.once('disconnect', resolve));
    return this.#exit;
  }

  /** @returns false when no such message arrived in time, and the worker has not exited */
  async #untilMessage(ms: number, ...events: Message['event'][]): Promise<boolean> {
    const hasArrived = (): boolean => events.some((event) => this.#messages.has(event));
    if (hasArrived()) return true;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms, false);
      const settle = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      this.#worker.on('message', () => hasArrived() && settle());
      void this.exited.then(settle);
    });
  }

  #explain(): UserError {
    const failed = this.#messages.get('failed');
    if (failed?.event === 'failed') return new UserError(failed.code, failed.message, failed.hint);
    const exit = this.#exit ?? '';
    const { code, message, hint } = toExitFailure(`The server exited before it was listening (${exit}).`, exit);
    return new UserError(code, message, hint);
  }
}

function tooSlow(): UserError {
  const fact = `The server did not listen within ${startMs / 1000} s.`;
  return new UserError('server-slow', fact, 'Check what app does when it starts.');
}
