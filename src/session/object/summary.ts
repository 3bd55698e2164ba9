import type { SessionData } from 'express-session';
import { wholeRefOf } from '../cookie/ids.ts';
import { pickData } from '../data/data.ts';
import type { LiveSession } from '../data/records.ts';

/** A session in a list of a user's sessions. */
export interface SessionSummary {
  /** Identifies the session. It is a hash and cannot be used as a session id. */
  ref: string;
  createdAt: Date;
  seenAt: Date;
  expiresAt: Date;
  data: Partial<SessionData>;
}

export function summarize({ record, data }: LiveSession): SessionSummary {
  return {
    ref: wholeRefOf(record.key),
    createdAt: new Date(record.createdAtMs),
    seenAt: new Date(record.seenAtMs),
    expiresAt: new Date(record.expiresAtMs),
    data: pickData(data, undefined),
  };
}
