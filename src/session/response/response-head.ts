import type { OutgoingHttpHeader, ServerResponse } from 'node:http';

const ended = Symbol('ended');

interface Sealed {
  [ended]: () => boolean;
}

// The same for all responses, so that they stay of one shape.
const sealed: Record<string, PropertyDescriptor & ThisType<Sealed>> = {
  ...Object.fromEntries(
    ['setHeader', 'setHeaders', 'appendHeader', 'removeHeader'].map((name) => [name, refusal(name)]),
  ),
  headersSent: { configurable: true, get: () => true },
  writableEnded: {
    configurable: true,
    get() {
      return this[ended]();
    },
  },
};
const sealNames = Object.keys(sealed);

/**
 * Makes a response look and behave like one whose headers are sent, which for its handler they are.
 * @returns what makes it as it was
 */
export function sealHead(res: ServerResponse & Partial<Sealed>, isEnded: () => boolean): () => void {
  const { statusCode, statusMessage } = res;
  const before = sealNames.map((name) => [name, Object.getOwnPropertyDescriptor(res, name)] as const);
  res[ended] = isEnded;
  for (const name of sealNames) Object.defineProperty(res, name, sealed[name] as PropertyDescriptor);
  return () => {
    // The last one first: so the engine takes back its shape, instead of giving it one of its own, which is slow.
    for (const [name, descriptor] of before.reverse()) {
      Reflect.deleteProperty(res, name);
      if (descriptor) Object.defineProperty(res, name, descriptor);
    }
    Object.assign(res, { statusCode, statusMessage });
  };
}

/** Does what `res.writeHead` would, but for sending: status and headers can still be taken back. */
export function writeHeadLater(res: ServerResponse, args: unknown[]): void {
  const [status, ...rest] = args as [number, ...unknown[]];
  res.statusCode = status;
  if (typeof rest[0] === 'string') res.statusMessage = rest.shift() as string;
  const headers = toPairs(rest[0] ?? rest[1]);
  for (const [name] of headers) res.removeHeader(name);
  for (const [name, value] of headers) res.appendHeader(name, toText(value));
}

type Pair = [name: string, value: OutgoingHttpHeader];

// Node.js takes an object, a flat list of names and values, and a list of pairs.
function toPairs(headers: unknown): Pair[] {
  if (!Array.isArray(headers)) return Object.entries((headers ?? {}) as Record<string, OutgoingHttpHeader>);
  if (Array.isArray(headers[0])) return headers as Pair[];
  return headers.flatMap((name, at) => (at % 2 === 0 ? [[name, headers[at + 1]] as Pair] : []));
}

function toText(value: OutgoingHttpHeader): string | string[] {
  return Array.isArray(value) ? value : String(value);
}

function refusal(name: string): PropertyDescriptor {
  const [verb] = name.split(/(?=H)/);
  const value = (): never => {
    // In the words of Node.js.
    const error = new Error(`Cannot ${verb} headers after they are sent to the client`);
    throw Object.assign(error, { code: 'ERR_HTTP_HEADERS_SENT' });
  };
  return { configurable: true, value };
}
