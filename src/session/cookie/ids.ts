import { randomBytes } from 'node:crypto';
import { hashOf } from '../../stores/session-key.ts';

/** A new session id: 256 random bits. */
export function createId(): string {
  return randomBytes(32).toString('base64url');
}

/** What a program calls a session by. It never begins with a dash, which a command takes for an option. */
export function wholeRefOf(key: string): string {
  return hashOf(key).replace(/^-/, '+');
}

/** What a log line or a person calls a session by. */
export function refOf(key: string): string {
  return wholeRefOf(key).slice(0, 8);
}
