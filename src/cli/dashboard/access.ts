import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { UserError } from '../../errors.ts';

/** Access control: only the browser that first opens the link in the command's output may use the dashboard. */
export class Access {
  /** The token in the link's fragment. A browser does not send the fragment, so it appears in no log and no Referer. */
  readonly linkToken = createToken();
  // Kept by the page, not in a cookie: a browser would send a cookie to every port of this host.
  readonly #pageToken = createToken();
  #isUsed = false;

  /**
   * Exchanges the link's token for the page's token.
   * @returns the token that the page sends with each later request
   * @throws UserError for a wrong token, and for a link that was used already
   */
  enter(token: unknown): string {
    const isValid = !this.#isUsed && typeof token === 'string' && isSame(token, this.linkToken);
    if (!isValid) throw new UserError('link-used', 'The link was used already, or it is not valid.', again);
    this.#isUsed = true;
    return this.#pageToken;
  }

  /** @throws UserError when the request does not come from the page */
  verify({ headers: { authorization = '' } }: IncomingMessage): void {
    if (isSame(authorization, `Bearer ${this.#pageToken}`)) return;
    throw new UserError('no-access', 'Only the browser that opened the link may do this.', again);
  }
}

const again = 'For a new link, stop the dashboard with Ctrl-C and start it again.';
const localHosts = ['127.0.0.1', 'localhost', '[::1]'];

/**
 * False for a request that a page of another site caused: its `Host` is a foreign name that resolves to this machine (DNS
 * rebinding), or its `Origin` is not ours. Any port is accepted, because a tunnel may use another one.
 */
export function isFromHere({ headers }: IncomingMessage): boolean {
  const { host = '', origin } = headers;
  const site = headers['sec-fetch-site'];
  if (!localHosts.includes(host.replace(/:\d+$/, ''))) return false;
  if (origin !== undefined && origin !== `http://${host}`) return false;
  return headers['sec-fetch-mode'] === 'navigate' || site === undefined || site === 'same-origin' || site === 'none';
}

function createToken(): string {
  return randomBytes(32).toString('base64url');
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [given, expected].map((text) => createHash('sha256').update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}
