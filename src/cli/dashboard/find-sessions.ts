import { toListedOwner } from '../../stores/owner.ts';
import { shortRefLength } from '../admin/session-ref.ts';
import type { SessionSummary } from '../admin/session-summary.ts';
import type { Store } from '../admin/store.ts';

export const pageSize = 50;

export interface Search {
  /** An owner, a part of an owner's name, or the beginning of a reference. Empty: all live sessions. */
  text: string;
  /** From 0. */
  page: number;
  nowMs: number;
  /** Aborted when nobody waits for the result any more. */
  signal: AbortSignal;
}

export interface SessionPage {
  sessions: SessionSummary[];
  /** Whether there is a next page. */
  hasMore: boolean;
}

/** One page of live sessions, in memory that does not grow with their number. */
export async function findSessions(store: Store, search: Search): Promise<SessionPage> {
  const sessions: SessionSummary[] = [];
  let left = search.page * pageSize;
  for await (const session of matches(store, search)) {
    if (left > 0) left -= 1;
    else if (sessions.length === pageSize) return { sessions, hasMore: true };
    else sessions.push(session);
  }
  return { sessions, hasMore: false };
}

/** What the store finds by an index comes first; then all sessions are looked at. */
async function* matches(store: Store, { text, nowMs: liveAtMs, signal }: Search): AsyncGenerator<SessionSummary> {
  if (text === '') return yield* store.list({ liveAtMs });
  const exact = toListedOwner(text);
  const prefix = toPrefix(text);
  const part = text.toLowerCase();
  const isExact = ({ owner }: SessionSummary): boolean => owner === exact;
  const isNamed = ({ key }: SessionSummary): boolean => prefix !== undefined && key.startsWith(prefix);
  const isPart = ({ owner }: SessionSummary): boolean => owner?.toLowerCase().includes(part) ?? false;
  yield* store.list({ owner: exact, liveAtMs });
  let isFound = false;
  if (prefix !== undefined)
    for await (const session of filter(store.list({ prefix, liveAtMs }), signal, (session) => !isExact(session))) {
      isFound = true;
      yield session;
    }
  // Nothing else is meant by a reference as the page shows it.
  if (isFound && text.length >= shortRefLength) return;
  const isLeft = (session: SessionSummary): boolean => isPart(session) && !isExact(session) && !isNamed(session);
  yield* filter(store.list({ liveAtMs }), signal, isLeft);
}

async function* filter(
  sessions: AsyncIterable<SessionSummary>,
  signal: AbortSignal,
  isWanted: (session: SessionSummary) => boolean,
): AsyncGenerator<SessionSummary> {
  for await (const session of sessions) {
    if (signal.aborted) return;
    if (isWanted(session)) yield session;
  }
}

/** The beginning of a session's key, if the text can be that of a reference. */
function toPrefix(text: string): string | undefined {
  return /^[\w+-][\w-]{3,42}$/.test(text) ? text.replace(/^\+/, '-') : undefined;
}
