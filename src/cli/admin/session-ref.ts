import { UsageError, UserError } from '../../errors.ts';
import type { Store } from './store.ts';
import type { SessionDetail, SessionSummary } from './store-calls.ts';

/** How much of a session's key a person sees, how much is the least to type, and how many candidates are shown. */
const shownLength = 8;
const leastLength = 4;
const shownCandidates = 10;
/** A longer one may be a session's id, pasted by mistake: it is not repeated in a message. */
const repeatedLength = 16;

/** The key, or its beginning, as a person types it: never with a dash in front, which a command takes for an option. */
export function renderRef(key: string, length = key.length): string {
  return key.slice(0, length).replace(/^-/, '+');
}

/**
 * The session that a person means by the beginning of its key.
 * @throws UserError when there is none or several
 */
export async function findSession(store: Store, given: string, nowMs: number): Promise<SessionSummary> {
  const prefix = toPrefix(given);
  const found: SessionSummary[] = [];
  const limit = shownCandidates + 1;
  for await (const session of store.list({ prefix, liveAtMs: nowMs, limit })) found.push(session);
  const [first] = found.filter(({ key }) => found.length === 1 || key === prefix);
  if (first) return first;
  throw found.length === 0 ? unknown(given) : ambiguous(given, found);
}

/** All that is known of the session that a person means; as `findSession`. */
export async function readSession(store: Store, given: string, nowMs: number): Promise<SessionDetail> {
  const { key } = await findSession(store, given, nowMs);
  const session = await store.read(key);
  if (!session) throw gone('The session has just ended.');
  return session;
}

/** How much of these keys must be shown so that no two of them look the same. */
export function distinctLength(keys: string[]): number {
  const sorted = [...keys].sort();
  const shared = sorted.map((key, n) => sharedLength(key, sorted[n + 1] ?? ''));
  return Math.max(shownLength, ...shared.map((length) => length + 1));
}

function sharedLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return length;
}

/** @throws UsageError when it cannot be the beginning of a key */
function toPrefix(given: string): string {
  const hint = 'Type the REF that sessapp sessions list shows, or the beginning of it.';
  if (!/^[\w+-][\w-]*$/.test(given))
    throw new UsageError('A session is named by letters, digits, - and _. What you gave has others.', hint);
  if (given.length < leastLength)
    throw new UsageError(`'${given}' is too short: at least ${leastLength} characters.`, hint);
  return given.replace(/^\+/, '-');
}

function unknown(given: string): UserError {
  return gone(given.length > repeatedLength ? 'There is no such session.' : `No session begins with ${given}.`);
}

function gone(fact: string): UserError {
  return new UserError('session-unknown', fact, 'It may have ended. sessapp sessions list shows those that live.');
}

function ambiguous(given: string, found: SessionSummary[]): UserError {
  const shown = found.slice(0, shownCandidates);
  const length = distinctLength(found.map(({ key }) => key));
  const refs = shown.map(({ key }) => renderRef(key, length)).join(', ');
  const more = found.length > shown.length ? ', and more' : '';
  return new UserError(
    'session-ambiguous',
    `Several sessions begin with ${given}: ${refs}${more}.`,
    'Type more of it.',
  );
}
