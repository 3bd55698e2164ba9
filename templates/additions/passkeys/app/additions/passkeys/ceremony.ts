import type { Request } from 'express';
import { fieldOf } from '../../request.ts';

/** The site that a passkey is for: its name and origin, as the browser sees them. Behind a proxy set TRUST_PROXY. */
export function siteOf(req: Request): { rpID: string; origin: string } {
  return { rpID: req.hostname, origin: `${req.protocol}://${req.host}` };
}

/**
 * Verifies what the browser has sent in the field `response`.
 * @returns undefined when it is not valid: the browser's data is at fault, not the server
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
