import type { SecretSummary } from './secret-summary.ts';

/** A secret, and for how many sessions the server last saw a cookie that it signed. */
export type UsedSecret = SecretSummary & { sessions: number };

export interface SecretUses {
  /** Newest first: the first one signs. */
  secrets: UsedSecret[];
  /** Sessions whose cookie was signed by a secret that is not in the list. */
  sessionsOfOtherSecrets: number;
  sessionsOfUnknownSecret: number;
}

/** @param bySecretId live sessions by the id of their secret; '' where it is unknown */
export function countUses(secrets: SecretSummary[], bySecretId: Record<string, number>): SecretUses {
  const { '': sessionsOfUnknownSecret = 0, ...byKnownId } = bySecretId;
  const used = secrets.map((secret) => ({ ...secret, sessions: byKnownId[secret.id] ?? 0 }));
  const others = Object.entries(byKnownId).filter(([id]) => used.every((secret) => secret.id !== id));
  const sessionsOfOtherSecrets = others.reduce((sum, [, count]) => sum + count, 0);
  return { secrets: used, sessionsOfOtherSecrets, sessionsOfUnknownSecret };
}

/** A secret as --json prints it. */
export function toJson({ id, sinceMs, sessions }: UsedSecret, index: number): Record<string, unknown> {
  return { id, signs: index === 0, since: sinceMs === undefined ? null : new Date(sinceMs).toISOString(), sessions };
}
