import { renderRef } from './session-ref.ts';
import type { SessionSummary } from './session-summary.ts';

/** A session as --json prints it. */
export function toJson(session: SessionSummary): Record<string, unknown> {
  const { key, owner = null, keyId = null, createdAtMs, seenAtMs, expiresAtMs, bytes } = session;
  return {
    ref: renderRef(key),
    owner,
    createdAt: toIso(createdAtMs),
    lastSeenAt: toIso(seenAtMs),
    expiresAt: toIso(expiresAtMs),
    bytes,
    keyId,
    damaged: expiresAtMs === undefined,
  };
}

export function toIso(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
