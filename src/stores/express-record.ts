import { hash } from 'node:crypto';
import type { CookieOptions, SessionData } from 'express-session';
import type { SessionRecord, StoredRecord } from './driver.ts';

/** The property of an express-session session that holds the fields which express-session does not have. */
const noteKey = 'sessapp:record';
const dayMs = 24 * 60 * 60 * 1000;
/** If it is unknown when a session was last seen, assume this fraction of its lifetime ago: a read then marks it as seen. */
const unseenFraction = 1 / 5;

interface Note {
  version: number;
  createdAtMs: number;
  seenAtMs: number;
  expiresAtMs: number;
  /** A hash of the data. If it differs, express-session changed the session since. */
  sum: number;
  keyId?: string;
  owner?: string;
}

/** A session as an express-session store keeps it. */
export type ExpressSession = Partial<SessionData> & Record<string, unknown>;

/** Facts that the express-session form of a session does not include. */
export interface ExpressForm {
  /** The attributes and lifetime of a new session's cookie. If a session has another lifetime, the application chose it. */
  cookie?: CookieOptions | undefined;
  /** Finds the owner of a session in its data. */
  ownerOf?: ((data: Record<string, unknown>) => string | undefined) | undefined;
  /** The idle time of a session that was stored without an expiry, in milliseconds. By default one day. */
  idleMs?: number;
  /** The longest lifetime of a session, in milliseconds. By default 30 days. */
  absoluteMs?: number;
  /** False: a request that changes nothing mostly calls the store's own `touch`, which cannot overwrite the data. */
  resave?: boolean | undefined;
}

/**
 * Converts a session in express-session's form to a record. A session that express-session itself stored is live as long as its
 * store returns it.
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
    ...timesOf(note, expiryOf(cookie), originalMaxAge ?? form.idleMs ?? dayMs, form),
    ...(owner !== undefined && { owner }),
    ...(note?.keyId !== undefined && { keyId: note.keyId }),
  };
}

/**
 * Converts a record to the form that express-session reads.
 * @param before the session that is stored now: the result keeps the attributes of its cookie
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

// express-session may have extended a session only in its store, with `touch`: connect-redis then leaves the stored expiry as it
// is. So a past expiry means that the session is live and due to be marked as seen, since its store still returns it. The store
// follows the system's clock, whatever the option `now` says.
//
// A session without a note was created when it was last seen, or earlier. But do not assume a long time ago: a session that is
// older than the absolute limit counts as expired, and its user must stay logged in.
function timesOf(
  note: Note | undefined,
  expiresAtMs: number | undefined,
  idleMs: number,
  { absoluteMs = 30 * dayMs }: ExpressForm,
): Pick<StoredRecord, 'createdAtMs' | 'seenAtMs' | 'expiresAtMs'> {
  const nowMs = Date.now();
  const isLate = expiresAtMs === undefined || expiresAtMs <= nowMs;
  if (note && !isLate && note.expiresAtMs === expiresAtMs)
    return { createdAtMs: note.createdAtMs, seenAtMs: note.seenAtMs, expiresAtMs };
  const earlyMs = Math.floor(nowMs - Math.min(idleMs, absoluteMs) * unseenFraction);
  const wantedMs = isLate ? earlyMs : Math.min(expiresAtMs - idleMs, nowMs);
  const seenAtMs = Math.max(wantedMs, note?.createdAtMs ?? earlyMs);
  return { createdAtMs: note?.createdAtMs ?? seenAtMs, seenAtMs, expiresAtMs: isLate ? nowMs + idleMs : expiresAtMs };
}

// A change by express-session does not update the note, so the version includes the hash of the data.
function versionOf(note: Note | undefined, sum: number): number {
  if (note?.sum === sum) return note.version;
  return (note?.version ?? 0) + 1 + (sum % 2 ** 20);
}

function sumOf(text: string, originalMaxAge: number | null): number {
  return Number.parseInt(hash('md5', `${originalMaxAge} ${text}`, 'hex').slice(0, 8), 16);
}
