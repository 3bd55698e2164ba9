import type { OutgoingHttpHeader, ServerResponse } from 'node:http';

const methods = ['setHeader', 'setHeaders', 'appendHeader', 'removeHeader'] as const;

type Method = (typeof methods)[number];
type Call = (...args: unknown[]) => unknown;
type Calls = Record<Method, Call>;

interface Seal extends Calls {
  isClosed: boolean;
  isEnded: () => boolean;
}

const seal = Symbol('seal');

interface Sealed {
  [seal]: Seal;
}

// All responses share these functions, so that they keep the same hidden class. The functions stay in place after the response
// is unsealed, because deleting properties is slow.
const guards = Object.fromEntries(methods.map((name) => [name, guard(name)]));
const flags: PropertyDescriptorMap & ThisType<Sealed> = {
  headersSent: {
    configurable: true,
    get() {
      return this[seal].isClosed || inherited(this, 'headersSent');
    },
  },
  writableEnded: {
    configurable: true,
    get() {
      return this[seal].isClosed ? this[seal].isEnded() : inherited(this, 'writableEnded');
    },
  },
};

/**
 * Makes a response behave as if its headers were sent. For the handler, they are.
 * @returns a function that undoes this
 */
export function sealHead(res: ServerResponse & Partial<Sealed>, isEnded: () => boolean): () => void {
  const { statusCode, statusMessage, setHeader, setHeaders, appendHeader, removeHeader } = res;
  const closed = { isClosed: true, isEnded, ...({ setHeader, setHeaders, appendHeader, removeHeader } as Calls) };
  res[seal] = closed;
  Object.assign(res, guards);
  Object.defineProperties(res, flags);
  return () => {
    closed.isClosed = false;
    res.statusCode = statusCode;
    res.statusMessage = statusMessage;
  };
}

/** Does what `res.writeHead` does, without sending: status and headers can still be replaced. */
export function writeHeadLater(res: ServerResponse, args: unknown[]): void {
  const [status, ...rest] = args as [number, ...unknown[]];
  res.statusCode = status;
  if (typeof rest[0] === 'string') res.statusMessage = rest.shift() as string;
  const headers = toPairs(rest[0] ?? rest[1]);
  for (const [name] of headers) res.removeHeader(name);
  for (const [name, value] of headers) res.appendHeader(name, toText(value));
}

type Pair = [name: string, value: OutgoingHttpHeader];

// Node.js accepts an object, a flat array of names and values, and an array of pairs.
function toPairs(headers: unknown): Pair[] {
  if (!Array.isArray(headers)) return Object.entries((headers ?? {}) as Record<string, OutgoingHttpHeader>);
  if (Array.isArray(headers[0])) return headers as Pair[];
  return headers.flatMap((name, at) => (at % 2 === 0 ? [[name, headers[at + 1]] as Pair] : []));
}

function toText(value: OutgoingHttpHeader): string | string[] {
  return Array.isArray(value) ? value : String(value);
}

function guard(name: Method): Call {
  return function (this: Sealed, ...args: unknown[]) {
    if (this[seal].isClosed) throw refusal(name);
    return this[seal][name].apply(this, args);
  };
}

// The same message and code as in Node.js.
function refusal(name: Method): Error {
  const [verb] = name.split(/(?=H)/);
  const error = new Error(`Cannot ${verb} headers after they are sent to the client`);
  return Object.assign(error, { code: 'ERR_HTTP_HEADERS_SENT' });
}

function inherited(res: object, name: 'headersSent' | 'writableEnded'): unknown {
  return Reflect.get(Object.getPrototypeOf(res), name, res);
}
