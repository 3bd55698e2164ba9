import type { OutgoingHttpHeader, ServerResponse } from 'node:http';

const changers = ['setHeader', 'setHeaders', 'appendHeader', 'removeHeader'] as const;

/**
 * Makes a response look and behave like one whose headers are sent, which for its handler they are.
 * @returns what makes it as it was
 */
export function sealHead(res: ServerResponse, isEnded: () => boolean): () => void {
  const { statusCode, statusMessage } = res;
  const names = [...changers, 'headersSent', 'writableEnded'];
  const before = names.map((name) => [name, Object.getOwnPropertyDescriptor(res, name)] as const);
  for (const name of changers) define(res, name, { value: () => refuse(name) });
  define(res, 'headersSent', { get: () => true });
  define(res, 'writableEnded', { get: isEnded });
  return () => {
    for (const [name, descriptor] of before) {
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

function define(res: ServerResponse, name: string, descriptor: PropertyDescriptor): void {
  Object.defineProperty(res, name, { configurable: true, ...descriptor });
}

function refuse(name: string): never {
  const error = new Error(`${name}: the response was sent already`);
  throw Object.assign(error, { code: 'ERR_HTTP_HEADERS_SENT' });
}
