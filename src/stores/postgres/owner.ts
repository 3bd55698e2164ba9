// An owner is any string of JavaScript. PostgreSQL's text has no zero character and no half of a surrogate pair, so that
// these are escaped, and the character that escapes them; every other owner is stored as it is.

export function encodeOwner(owner: string): string {
  return owner.replace(/[\\\0\p{Surrogate}]/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export function decodeOwner(text: string): string {
  return text.replace(/\\u([0-9a-f]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
