import { randomFillSync } from 'node:crypto';
import { hashOf } from '../../stores/session-key.ts';

const idBytes = 32;
/** Random bytes for the next ids: one call for many takes as long as one for each. */
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
  // Nothing but the client's cookie holds an id.
  random.fill(0, start, used);
  return id;
}

/** What a program calls a session by. It never begins with a dash, which a command takes for an option. */
export function wholeRefOf(sessionKey: string): string {
  return hashOf(sessionKey).replace(/^-/, '+');
}

/** What a log line or a person calls a session by. */
export function refOf(sessionKey: string): string {
  return wholeRefOf(sessionKey).slice(0, 8);
}
