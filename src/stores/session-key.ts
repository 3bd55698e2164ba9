import { hash } from 'node:crypto';

/** The session key of an id: a hash, so a reader of the store cannot compute the id in the cookie. */
export function sessionKeyOf(id: string): string {
  return hash('sha256', id, 'base64url');
}

/** The session key followed by the id, for a driver that needs the id (`Driver.needsIds`). */
export function identifiedKeyOf(id: string): string {
  return `${sessionKeyOf(id)}.${id}`;
}

/** The session key without the id. */
export function hashOf(key: string): string {
  const end = key.indexOf('.');
  return end === -1 ? key : key.slice(0, end);
}

/** The id after a session key. A key without an id is returned as it is: nothing is stored under it. */
export function idOf(key: string): string {
  return key.slice(key.indexOf('.') + 1);
}
