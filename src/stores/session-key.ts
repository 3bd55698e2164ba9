import { hash } from 'node:crypto';

/** The session key. A reader of the store cannot turn it back into the id that a cookie holds. */
export function sessionKeyOf(id: string): string {
  return hash('sha256', id, 'base64url');
}

/** The session key with the id behind it, for a driver that needs the id (`Driver.needsIds`). */
export function identifiedKeyOf(id: string): string {
  return `${sessionKeyOf(id)}.${id}`;
}

/** The session key alone. */
export function hashOf(key: string): string {
  const end = key.indexOf('.');
  return end === -1 ? key : key.slice(0, end);
}

/** The id behind a session key. A key without one is its own id, so that nothing is stored under it. */
export function idOf(key: string): string {
  return key.slice(key.indexOf('.') + 1);
}
