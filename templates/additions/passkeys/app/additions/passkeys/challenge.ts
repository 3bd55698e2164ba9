import type { Request } from 'express';
import type { Accounts } from '../../accounts.ts';

declare module 'express-session' {
  interface SessionData {
    passkeyChallenge: Challenge | undefined;
  }
}

type Use = 'register' | 'log in';

interface Challenge {
  use: Use;
  challenge: string;
  endsAtMs: number;
}

/** How long a person may take to use a passkey. */
export const challengeMs = 5 * 60 * 1000;

/** Keeps a challenge in the session, in the place of an earlier one. */
export function keepChallenge(req: Request, use: Use, challenge: string): void {
  req.session.passkeyChallenge = { use, challenge, endsAtMs: Date.now() + challengeMs };
}

/** Takes the challenge out of the session. @returns undefined when there is none, or it was used, or has expired */
export async function takeChallenge({ counts }: Accounts, req: Request, use: Use): Promise<string | undefined> {
  const kept = req.session.passkeyChallenge;
  req.session.passkeyChallenge = undefined;
  if (kept?.use !== use || kept.endsAtMs <= Date.now()) return undefined;
  // Requests at the same moment read the same session, and the count lets one of them pass.
  const { count } = await counts.add(`passkey ${kept.challenge}`, 1, 2 * challengeMs);
  return count === 1 ? kept.challenge : undefined;
}
