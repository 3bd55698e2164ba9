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

/** Called at the stages of a held response. */
export interface Hooks {
  /** Runs before the first byte is sent. Undefined: there is nothing to wait for. */
  commit(): Promise<void> | undefined;
  /** Adds the headers that the commit decided on, just before the headers are sent. */
  addHeaders(): void;
  /** Replaces the response, with `replace`, when the commit failed, or when sending failed after the commit. */
  fail(error: unknown, isCommitted: boolean): void;
  /** Runs before the end of a response whose first bytes were sent earlier. Undefined: there is nothing to wait for. */
  end(): Promise<void> | undefined;
}

const holder = Symbol('holder');

interface Held {
  [holder]: HeldResponse;
}

// All responses share these functions, so that they keep the same hidden class.
const calls: Calls & ThisType<Held & ServerResponse> = {
  write(...args) {
    return this[holder].pass('write', args);
  },
  end(...args) {
    return this[holder].pass('end', args);
  },
  flushHeaders() {
    // Call writeHead first, so that header hooks run before `headersSent` is true.
    if (!this.headersSent) this.writeHead(this.statusCode);
    return this[holder].pass('flushHeaders', []);
  },
  writeHead(...args) {
    return this[holder].writeHead(args);
  },
};

/**
 * Holds a response until the commit. Then it sends exactly what the handler wrote, or nothing. A stream is held with
 * backpressure (`write` returns false), so data does not pile up in memory.
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

  /** Sends this response and nothing that the handler wrote. If a part was sent already, it closes the connection. */
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
    // The rest of the handler's stream is not sent, so destroy its source.
    res.on('unpipe', (source: Readable) => source.destroy());
    this.#state = 'sending';
    this.#send.writeHead.call(res, status, STATUS_CODES[status]);
    this.#send.end.call(res, body);
    this.#state = 'replaced';
    // The handler's response has not ended. A stream that waits for 'drain' may continue; its data is discarded.
    Object.defineProperty(res, 'writableEnded', { configurable: true, get: () => res.closed });
    if (waiting.some(([name]) => name === 'write')) res.emit('drain');
  }

  pass(name: Sending, args: unknown[]): unknown {
    if (this.#state === 'open') this.#begin();
    else if (this.#state === 'released' && name === 'end') this.#beginEnd(args);
    if (this.#isPassing) return this.#send[name].apply(this.#res, args);
    if (this.#state === 'held') this.#waiting.push([name, args]);
    else tellUnsent(args);
    // False makes a stream wait. Data written after the response was replaced is discarded.
    return name === 'write' ? this.#state === 'replaced' : this.#res;
  }

  // The `end` of HTTP/2, and of middleware mounted before this one, calls `write`, which this class has replaced.
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

  // The headers are sent already: only an incomplete response can report a failure.
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

  // No caller is left that could handle an error.
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
    // If the last write returned false, Node.js emits 'drain' itself.
    const lastWrite = waiting.findLastIndex(([name]) => name === 'write');
    if (results[lastWrite] === true && !this.#res.writableEnded) this.#res.emit('drain');
  }

  writeHead(args: unknown[]): unknown {
    if (this.#isPassing) return this.#send.writeHead.apply(this.#res, args);
    if (this.#state === 'open') writeHeadLater(this.#res, args);
    return this.#res;
  }
}

// Without this call, code that waits for the callback of `write` or `end` would wait forever.
function tellUnsent(args: unknown[]): void {
  const callback = args.at(-1);
  if (typeof callback === 'function') process.nextTick(callback, new Error('another response was sent instead'));
}
