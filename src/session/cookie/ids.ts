import { hash, randomBytes } from 'node:crypto';

/** A new session id: 256 random bits. */
export function createId(): string {
  return randomBytes(32).toString('base64url');
}

/** The key of a session's record: who reads the store cannot turn it back into the id that a cookie holds. */
export function keyOf(id: string): string {
  return hash('sha256', id, 'base64url');
}

/** What a program calls a session by. It never begins with a dash, which a command takes for an option. */
export function wholeRefOf(key: string): string {
  return key.replace(/^-/, '+');
}

/** What a log line or a person calls a session by. */
export function refOf(key: string): string {
  return wholeRefOf(key).slice(0, 8);
}
