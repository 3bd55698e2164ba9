import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { UserError } from '../../errors.ts';

/** Who may use the dashboard: the browser that was first to open the link which the command printed. */
export class Access {
  /** The secret of the link. A browser sends no fragment of an address, so that it is in no log and no Referer. */
  readonly linkToken = createToken();
  // Kept by the page, not in a cookie: a browser would send a cookie to every port of this host.
  readonly #pageToken = createToken();
  #isUsed = false;

  /**
   * @returns what the page sends with each request from then on
   * @throws UserError for a wrong token, and for a link that was used
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

const again = 'For a new link, end the dashboard with Ctrl-C and start it again.';
const localHosts = ['127.0.0.1', 'localhost', '[::1]'];

/**
 * False for a request that a page of another site caused. Its `Host` shows a name that was made to lead here (DNS
 * rebinding); its `Origin` is not our own. Through a tunnel the port may be another one.
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
