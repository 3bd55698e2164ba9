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

/** How long a challenge is valid. */
export const challengeMs = 5 * 60 * 1000;

/** Stores a challenge in the session. It replaces an earlier one. */
export function keepChallenge(req: Request, use: Use, challenge: string): void {
  req.session.passkeyChallenge = { use, challenge, endsAtMs: Date.now() + challengeMs };
}

/** Removes the challenge from the session. @returns undefined when it is missing, was used, or has expired */
export async function takeChallenge({ counts }: Accounts, req: Request, use: Use): Promise<string | undefined> {
  const kept = req.session.passkeyChallenge;
  req.session.passkeyChallenge = undefined;
  if (kept?.use !== use || kept.endsAtMs <= Date.now()) return undefined;
  // Concurrent requests can read the same challenge. The count lets only one of them use it.
  const { count } = await counts.add(`passkey ${kept.challenge}`, 1, 2 * challengeMs);
  return count === 1 ? kept.challenge : undefined;
}
