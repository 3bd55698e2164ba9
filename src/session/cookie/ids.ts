import { randomFillSync } from 'node:crypto';
import { hashOf } from '../../stores/session-key.ts';

const idBytes = 32;
/** Random bytes for the next ids: one call that fills many takes as long as a call for one. */
const random = Buffer.alloc(64 * idBytes);
let used = random.length;

/** A new session id: 256 random bits. */
export function createId(): string {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  const start = used;
  used += idBytes;
  const id = random.toString('base64url', start, used);
  // Only the client's cookie may hold an id.
  random.fill(0, start, used);
  return id;
}

/** The reference to a session for programs. It never begins with a dash, so a command does not take it for an option. */
export function wholeRefOf(sessionKey: string): string {
  return hashOf(sessionKey).replace(/^-/, '+');
}

/** The short reference to a session, for logs and people. */
export function refOf(sessionKey: string): string {
  return wholeRefOf(sessionKey).slice(0, 8);
}
