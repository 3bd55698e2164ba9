import type { OutgoingHttpHeaders } from 'node:http';
import { StoreUnavailable } from '../../stores/errors.ts';

/** What a client gets instead of the handler's answer. */
export interface FailureAnswer {
  status: number;
  headers: OutgoingHttpHeaders;
  body: string;
}

const plain = { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' };

export function answerFor(error: unknown): FailureAnswer {
  if (!(error instanceof StoreUnavailable)) return { status: 500, headers: plain, body: 'Something went wrong.\n' };
  const headers = { ...plain, 'Retry-After': '5' };
  return { status: 503, headers, body: 'Sessions are not available at the moment. Try again shortly.\n' };
}
