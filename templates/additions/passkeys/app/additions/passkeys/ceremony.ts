import type { Request } from 'express';
import { fieldOf } from '../../request.ts';

/** The site of a passkey: its host name and origin, as the browser sees them. Behind a proxy, set TRUST_PROXY. */
export function siteOf(req: Request): { rpID: string; origin: string } {
  return { rpID: req.hostname, origin: `${req.protocol}://${req.host}` };
}

/**
 * Verifies the form field `response` of the browser.
 * @returns undefined when the browser's data is not valid
 */
export async function verifyResponse<Sent, Verified>(
  req: Request,
  verify: (sent: Sent) => Promise<Verified>,
): Promise<Verified | undefined> {
  try {
    return await verify(JSON.parse(fieldOf(req, 'response')) as Sent);
  } catch (error) {
    req.log.info({ reason: String(error) }, 'a passkey was refused');
    return undefined;
  }
}
