import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { UserError } from '../errors.ts';
import type { StoreAnswer, StoreCalls, StoreRequest } from './store-calls.ts';
import { StoreUnavailable, toCrash, toUnavailable } from './store-errors.ts';

/** How long a call may take without any progress, and how long the process may take to end. */
const defaultSilenceMs = 30_000;
const endMs = 2000;
/** How much of what it prints is kept for the case that it crashes. */
const keptCharacters = 4000;

/** A call that waits for its answer. */
interface Waiting {
  resolve(result: unknown): void;
  reject(error: UserError): void;
  silence: NodeJS.Timeout;
}

/** The other end of the calls to a store: the process that has the environment's driver. */
export class StoreProcess {
  readonly #child: ChildProcess;
  readonly #silenceMs: number;
  readonly #ended: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  #failure: UserError | undefined;
  #printed = '';
  #lastId = 0;

  constructor(child: ChildProcess, silenceMs = defaultSilenceMs) {
    this.#child = child;
    this.#silenceMs = silenceMs;
    this.#ended = once(child, 'exit').then(
      ([exitCode, signal]) => this.#fail(toCrash({ exitCode, signal, printed: this.#printed })),
      (error) => this.#fail(toUnavailable(error)),
    );
    child.on('message', (answer: StoreAnswer) => this.#receive(answer));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#printed = (this.#printed + text).slice(-keptCharacters);
    });
  }

  /** @throws UserError when the store fails, says nothing for too long, or its process ends */
  async call<K extends keyof StoreCalls>(
    call: K,
    ...args: Parameters<StoreCalls[K]>
  ): Promise<Awaited<ReturnType<StoreCalls[K]>>> {
    if (this.#failure) throw this.#failure;
    this.#lastId += 1;
    const request: StoreRequest = { id: this.#lastId, call, args };
    const answered = new Promise<unknown>((resolve, reject) => {
      const late = new StoreUnavailable(`it did not answer within ${this.#silenceMs / 1000} s`);
      const silence = setTimeout(() => this.#settle(request.id)?.reject(late), this.#silenceMs);
      this.#waiting.set(request.id, { resolve, reject, silence });
    });
    // What cannot be sent was meant for a process that has ended, which is told as such.
    this.#child.send(request, () => undefined);
    return answered as Promise<Awaited<ReturnType<StoreCalls[K]>>>;
  }

  /** Resolves once the process is gone, whatever it is doing. */
  async close(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), endMs);
    await this.#ended;
    clearTimeout(timer);
  }

  #receive(answer: StoreAnswer): void {
    if ('progress' in answer) {
      for (const { silence } of this.#waiting.values()) silence.refresh();
      return;
    }
    const waiting = this.#settle(answer.id);
    if ('failure' in answer) waiting?.reject(toUnavailable(answer.failure));
    else waiting?.resolve(answer.result);
  }

  #fail(error: UserError): void {
    this.#failure = error;
    for (const id of this.#waiting.keys()) this.#settle(id)?.reject(error);
  }

  /** The call of this number, which waits no longer. */
  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    clearTimeout(waiting?.silence);
    this.#waiting.delete(id);
    return waiting;
  }
}
