import { hash } from 'node:crypto';
import type { CookieOptions, SessionData } from 'express-session';
import type { SessionRecord, StoredRecord } from './driver.ts';

/** Where a session in express-session's form has what that form has no place for. */
const noteKey = 'sessapp:record';
const dayMs = 24 * 60 * 60 * 1000;
/** A session that was not seen for so much of its idle time is marked as seen when it is read. */
const unseenFraction = 1 / 5;

interface Note {
  version: number;
  createdAtMs: number;
  seenAtMs: number;
  expiresAtMs: number;
  /** A hash of the data: another one shows that express-session changed the session since. */
  sum: number;
  keyId?: string;
  owner?: string;
}

/** What a store of express-session holds. */
export type ExpressSession = Partial<SessionData> & Record<string, unknown>;

/** What a session in express-session's form does not tell. */
export interface ExpressForm {
  /** The attributes of the cookie of a new session, and how long it lives: a session that differs has its own lifetime. */
  cookie?: CookieOptions | undefined;
  /** The owner of a session, by what it holds. */
  ownerOf?: ((data: Record<string, unknown>) => string | undefined) | undefined;
  /** How long a session lives without being used that was stored without an end. By default a day. */
  idleMs?: number;
}

/**
 * A session as express-session stores it, as a record. What express-session stored itself lives as long as its store
 * returns it.
 */
export function toRecord(key: string, found: ExpressSession, form: ExpressForm): StoredRecord {
  const { cookie, [noteKey]: note, ...data } = found as ExpressSession & { [noteKey]?: Note };
  const originalMaxAge = cookie?.originalMaxAge ?? null;
  const text = JSON.stringify(data);
  const sum = sumOf(text, originalMaxAge);
  const owner = note?.sum === sum ? note.owner : form.ownerOf?.(data);
  return {
    key,
    data: originalMaxAge === defaultMaxAge(form) ? text : JSON.stringify({ ...data, cookie: { originalMaxAge } }),
    version: versionOf(note, sum),
    ...timesOf(note, expiryOf(cookie), originalMaxAge ?? form.idleMs ?? dayMs),
    ...(owner !== undefined && { owner }),
    ...(note?.keyId !== undefined && { keyId: note.keyId }),
  };
}

/**
 * A record in the form in which express-session reads it.
 * @param before what is stored now: the attributes of its cookie stay
 */
export function toExpressSession(
  { data: text, keyId, owner, ...record }: SessionRecord & { version: number },
  form: ExpressForm,
  before?: ExpressSession,
): SessionData {
  const { cookie: chosen, ...data } = JSON.parse(text) as { cookie?: { originalMaxAge: number | null } };
  const { version, createdAtMs, seenAtMs, expiresAtMs } = record;
  const originalMaxAge = chosen ? chosen.originalMaxAge : defaultMaxAge(form);
  const sum = sumOf(JSON.stringify(data), originalMaxAge);
  const note: Note = { version, createdAtMs, seenAtMs, expiresAtMs, sum };
  if (keyId !== undefined) note.keyId = keyId;
  if (owner !== undefined) note.owner = owner;
  const cookie = { ...(before?.cookie ?? attributesOf(form)), originalMaxAge, expires: new Date(expiresAtMs) };
  return { ...data, cookie, [noteKey]: note } as unknown as SessionData;
}

function attributesOf({ cookie: { maxAge: _, expires: __, secure, sameSite, ...others } = {} }: ExpressForm): object {
  const isFixed = typeof secure === 'boolean' && { secure };
  return { path: '/', httpOnly: true, ...others, ...isFixed, ...(sameSite !== undefined && { sameSite }) };
}

function defaultMaxAge({ cookie }: ExpressForm): number | null {
  return cookie?.maxAge ?? null;
}

function expiryOf(cookie: { expires?: Date | string | null | undefined } | undefined): number | undefined {
  const expiresAtMs = cookie?.expires ? new Date(cookie.expires).getTime() : Number.NaN;
  return Number.isFinite(expiresAtMs) ? expiresAtMs : undefined;
}

// express-session may have told its store alone that a session lives longer. Then it counts as due to be marked as seen.
function timesOf(
  note: Note | undefined,
  expiresAtMs: number | undefined,
  idleMs: number,
): Pick<StoredRecord, 'createdAtMs' | 'seenAtMs' | 'expiresAtMs'> {
  const nowMs = Date.now();
  const createdAtMs = note?.createdAtMs ?? nowMs;
  if (note && note.expiresAtMs === expiresAtMs) return { createdAtMs, seenAtMs: note.seenAtMs, expiresAtMs };
  if (expiresAtMs === undefined || expiresAtMs <= nowMs)
    return { createdAtMs, seenAtMs: nowMs - idleMs * unseenFraction, expiresAtMs: nowMs + idleMs };
  return { createdAtMs, seenAtMs: Math.min(expiresAtMs - idleMs, nowMs), expiresAtMs };
}

// A change by express-session leaves the note as it is: each makes a version of its own.
function versionOf(note: Note | undefined, sum: number): number {
  if (note?.sum === sum) return note.version;
  return (note?.version ?? 0) + 1 + (sum % 2 ** 20);
}

function sumOf(text: string, originalMaxAge: number | null): number {
  return Number.parseInt(hash('md5', `${originalMaxAge} ${text}`, 'hex').slice(0, 8), 16);
}
