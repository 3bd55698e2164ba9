import { type CookieProfile, readCookies } from './cookie/cookie.ts';
import type { createVerifier, SignedId, SigningKey } from './cookie/signature.ts';
import type { Request } from './http.ts';
import type { Shared } from './response/lifecycle.ts';

/** How many session cookies of one request are looked up in the store. */
const candidateLimit = 5;

/** Gives the request the session of its first cookie that has a valid signature and a live session. Resolves to the signed id. */
export async function resume(
  { store, signingKeys, toSessionKey }: Shared,
  verify: ReturnType<typeof createVerifier>,
  req: Request,
  profile: CookieProfile,
): Promise<SignedId | undefined> {
  let left = candidateLimit;
  for (const value of cookiesOf(req, profile.name)) {
    const signed = verify(value, signingKeys());
    if (!signed) continue;
    if (await store.resume(req, signed)) return signed;
    left -= 1;
    if (left === 0) return undefined;
  }
  const id = verifiedByParser(req, profile.name, signingKeys());
  const parsed = id === undefined ? undefined : { id, value: '', sessionKey: toSessionKey(id), keyId: '' };
  return parsed && (await store.resume(req, parsed)) ? parsed : undefined;
}

// The session id that cookie-parser verified, for a request whose Cookie header was removed. Its secret must be one of ours:
// otherwise it could be a secret that was retired for sessions. cookie-parser may have several secrets and does not say which
// one signed, so the client gets a new cookie.
function verifiedByParser(req: Request, name: string, signingKeys: SigningKey[]): string | undefined {
  const id = req.signedCookies?.[name];
  if (typeof id !== 'string' || req.headers.cookie !== undefined) return undefined;
  return signingKeys.some(({ secret }) => secret === req.secret) ? id : undefined;
}

// Includes the cookies that cookie-parser read, for a request without a Cookie header.
function cookiesOf({ headers, cookies }: Request, name: string): string[] {
  const parsed = cookies?.[name];
  return [...readCookies(headers.cookie, name), ...(typeof parsed === 'string' ? [parsed] : [])];
}
