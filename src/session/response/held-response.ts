import { type OutgoingHttpHeaders, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Readable } from 'node:stream';
import { sealHead, writeHeadLater } from './response-head.ts';
import { shareShape } from './shared-shape.ts';

type Call = (...args: unknown[]) => unknown;

interface Calls {
  write: Call;
  end: Call;
  flushHeaders: Call;
  writeHead: Call;
}

type Sending = 'write' | 'end' | 'flushHeaders';

/** What is done with a held response. */
export interface Hooks {
  /** Runs before the first byte leaves. Undefined: there is nothing to wait for. */
  commit(): Promise<void> | undefined;
  /** Adds what the commit decided, just before the headers leave. */
  addHeaders(): void;
  /** Answers instead of the handler, with `replace`, when the commit failed, or after it the answer. */
  fail(error: unknown, isCommitted: boolean): void;
  /** Runs at the end of an answer that was on its way before. Undefined: there is nothing to wait for. */
  end(): Promise<void> | undefined;
}

const holder = Symbol('holder');

interface Held {
  [holder]: HeldResponse;
}

// The same for all responses, so that they stay of one shape.
const calls: Calls & ThisType<Held & ServerResponse> = {
  write(...args) {
    return this[holder].pass('write', args);
  },
  end(...args) {
    return this[holder].pass('end', args);
  },
  flushHeaders() {
    // Who waits for the head, to add to it or to change the body, is to know before it looks sent.
    if (!this.headersSent) this.writeHead(this.statusCode);
    return this[holder].pass('flushHeaders', []);
  },
  writeHead(...args) {
    return this[holder].writeHead(args);
  },
};

/**
 * Holds a response, however it is sent, until the commit: then it leaves as the handler made it, or not at all.
 * A stream is held by telling it to wait, so that nothing piles up in memory.
 */
export class HeldResponse {
  readonly #res: ServerResponse;
  readonly #hooks: Hooks;
  readonly #send: Calls;
  readonly #headersBefore: OutgoingHttpHeaders;
  #state: 'open' | 'held' | 'released' | 'ending' | 'sending' | 'replaced' = 'open';
  #waiting: [name: Sending, args: unknown[]][] = [];

  constructor(res: ServerResponse, hooks: Hooks) {
    this.#res = res;
    this.#hooks = hooks;
    this.#headersBefore = res.getHeaders();
    shareShape(res);
    const { write, end, flushHeaders, writeHead } = res as unknown as Calls;
    this.#send = { write, end, flushHeaders, writeHead };
    Object.assign(res, { [holder]: this }, calls);
  }

  /** Answers with this and nothing of what the handler had prepared. An answer of which a part has left is cut. */
  replace(status: number, headers: OutgoingHttpHeaders, body: string): void {
    const res = this.#res;
    this.#state = 'replaced';
    const waiting = this.#waiting.splice(0);
    for (const [, args] of waiting) tellUnsent(args);
    if (res.headersSent) {
      res.destroy();
      return;
    }
    for (const name of res.getHeaderNames()) res.removeHeader(name);
    const all = { ...this.#headersBefore, ...headers, 'Content-Length': Buffer.byteLength(body) };
    for (const [name, value] of Object.entries(all)) res.setHeader(name, value ?? '');
    // Nobody reads the rest of a stream whose answer is not sent.
    res.on('unpipe', (source: Readable) => source.destroy());
    this.#state = 'sending';
    this.#send.writeHead.call(res, status, STATUS_CODES[status]);
    this.#send.end.call(res, body);
    this.#state = 'replaced';
    // For its handler it has not ended. What was told to wait may go on, into nothing.
    Object.defineProperty(res, 'writableEnded', { configurable: true, get: () => res.closed });
    if (waiting.some(([name]) => name === 'write')) res.emit('drain');
  }

  pass(name: Sending, args: unknown[]): unknown {
    if (this.#state === 'open') this.#begin();
    else if (this.#state === 'released' && name === 'end') this.#beginEnd(args);
    if (this.#isPassing) return this.#send[name].apply(this.#res, args);
    if (this.#state === 'held') this.#waiting.push([name, args]);
    else tellUnsent(args);
    // False makes a stream wait; what comes after a replaced answer is swallowed.
    return name === 'write' ? this.#state === 'replaced' : this.#res;
  }

  // The `end` of HTTP/2, and of middlewares in front of the session's, calls `write`, which is ours.
  get #isPassing(): boolean {
    return this.#state === 'released' || this.#state === 'sending';
  }

  #begin(): void {
    try {
      const pending = this.#hooks.commit();
      if (pending !== undefined) this.#hold(pending);
      else this.#release();
    } catch (error) {
      this.#hooks.fail(error, false);
    }
  }

  // The head is on its way: a failure can only be told by an answer that does not end well.
  #beginEnd(args: unknown[]): void {
    try {
      const pending = this.#hooks.end();
      if (pending !== undefined) this.#holdEnd(pending, args);
    } catch (error) {
      this.#hooks.fail(error, false);
    }
  }

  #holdEnd(pending: Promise<void>, args: unknown[]): void {
    this.#state = 'ending';
    pending.then(
      () => this.#sendEnd(args),
      (error) => this.#hooks.fail(error, false),
    );
  }

  // Nobody else hears of what it throws by then.
  #sendEnd(args: unknown[]): void {
    try {
      this.#state = 'sending';
      this.#send.end.apply(this.#res, args);
    } catch (error) {
      this.#hooks.fail(error, true);
    }
  }

  #hold(pending: Promise<void>): void {
    this.#state = 'held';
    const unseal = sealHead(this.#res, () => this.#waiting.some(([name]) => name === 'end'));
    pending.finally(unseal).then(
      () => this.#release(),
      (error) => this.#hooks.fail(error, false),
    );
  }

  #release(): void {
    try {
      this.#hooks.addHeaders();
      this.#state = 'released';
      this.#sendWaiting();
    } catch (error) {
      this.#hooks.fail(error, true);
    }
  }

  #sendWaiting(): void {
    const waiting = this.#waiting.splice(0);
    const results = waiting.map(([name, args]) => this.pass(name, args));
    // Node.js tells a stream itself to go on, once it has told it to wait.
    const lastWrite = waiting.findLastIndex(([name]) => name === 'write');
    if (results[lastWrite] === true && !this.#res.writableEnded) this.#res.emit('drain');
  }

  writeHead(args: unknown[]): unknown {
    if (this.#isPassing) return this.#send.writeHead.apply(this.#res, args);
    if (this.#state === 'open') writeHeadLater(this.#res, args);
    return this.#res;
  }
}

// Whoever waits until a part is sent would wait for ever.
function tellUnsent(args: unknown[]): void {
  const callback = args.at(-1);
  if (typeof callback === 'function') process.nextTick(callback, new Error('another answer was sent instead'));
}
