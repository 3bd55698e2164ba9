import { visible } from '../visible.ts';
import { renderRef } from './session-ref.ts';
import type { SessionDetail, SessionSummary } from './session-summary.ts';
import type { Values } from './session-values.ts';

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
    secretId: keyId,
    damaged: expiresAtMs === undefined,
  };
}

/** A session as `sessions show` prints it. @param values undefined where the record is damaged */
export function toDetailJson(
  session: SessionDetail,
  values: Values | undefined,
  showsValues: boolean,
): Record<string, unknown> {
  return {
    ...toJson(session),
    damaged: values === undefined,
    changes: session.version ?? null,
    keys: Object.keys(values ?? {}),
    ...(showsValues && values !== undefined && { values }),
  };
}

/** A session for a program that reads lines: whole reference, owner, created, last seen, expires, bytes, between tabs. */
export function toLine({ key, owner = '', createdAtMs, seenAtMs, expiresAtMs, bytes }: SessionSummary): string {
  const times = [createdAtMs, seenAtMs, expiresAtMs].map((ms) => toIso(ms) ?? '');
  return [renderRef(key), visible(owner), ...times, bytes].join('\t');
}

export function toIso(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
