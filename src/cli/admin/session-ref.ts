import { UsageError, UserError } from '../../errors.ts';
import type { SessionDetail, SessionSummary } from './session-summary.ts';
import type { Store } from './store.ts';

/** The length of a short reference: 72 bits of the key, so that two sessions do not share one by accident. */
export const shortRefLength = 12;
/** The minimum length of a typed reference. */
const leastLength = 4;
/** How many candidates an error lists. */
const shownCandidates = 10;
/** A longer text may be a session id that was pasted by mistake, so do not repeat it. */
const repeatedLength = 16;

/** The whole session key as a user types it. A leading dash becomes a plus, because the parser would see an option. */
export function renderRef(key: string): string {
  return key.replace(/^-/, '+');
}

/** The part of a reference that is shown to people. */
export function renderShortRef(key: string): string {
  return renderRef(key.slice(0, shortRefLength));
}

/**
 * Finds the session whose reference begins with what the user typed.
 * @throws UserError when no session or more than one session matches
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

/** Reads the session that `findSession` finds. */
export async function readSession(store: Store, given: string, nowMs: number): Promise<SessionDetail> {
  const { key } = await findSession(store, given, nowMs);
  const session = await store.read(key);
  if (!session) throw gone('The session has just ended.');
  return session;
}

/**
 * Converts what the user typed to the beginning of a session key.
 * @throws UsageError when no session key can begin with that text
 */
function toPrefix(given: string): string {
  const hint = 'Type a REF from sessapp sessions list, or its beginning.';
  if (!/^[\w+-][\w-]*$/.test(given))
    throw new UsageError('A reference has only letters, digits, -, _ and +. This one has other characters.', hint);
  if (given.length < leastLength)
    throw new UsageError(`'${given}' is too short: type at least ${leastLength} characters.`, hint);
  return given.replace(/^\+/, '-');
}

function unknown(given: string): UserError {
  return gone(given.length > repeatedLength ? 'There is no such session.' : `No session begins with ${given}.`);
}

function gone(fact: string): UserError {
  return new UserError('session-unknown', fact, 'It may have ended. To list the live sessions: sessapp sessions list');
}

function ambiguous(given: string, found: SessionSummary[]): UserError {
  const shown = found.slice(0, shownCandidates);
  const refs = shown.map(({ key }) => renderShortRef(key)).join(', ');
  const more = found.length > shown.length ? ', and more' : '';
  return new UserError(
    'session-ambiguous',
    `Several sessions begin with ${given}: ${refs}${more}.`,
    'Type more characters of the reference.',
  );
}
