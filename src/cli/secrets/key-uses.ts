import type { Key } from './keys.ts';

/** A key, and how many sessions' clients have a cookie of it, as far as the server knows. */
export type UsedKey = Key & { sessions: number };

export interface KeyUses {
  /** Newest first: the first one signs. */
  keys: UsedKey[];
  /** Sessions of keys that are not here. */
  sessionsOfOtherKeys: number;
  sessionsOfUnknownKey: number;
}

/** @param byKeyId live sessions by the id of their key; '' where it is unknown */
export function countUses(keys: Key[], byKeyId: Record<string, number>): KeyUses {
  const { '': sessionsOfUnknownKey = 0, ...byKey } = byKeyId;
  const used = keys.map((key) => ({ ...key, sessions: byKey[key.id] ?? 0 }));
  const others = Object.entries(byKey).filter(([id]) => used.every((key) => key.id !== id));
  return { keys: used, sessionsOfOtherKeys: others.reduce((sum, [, count]) => sum + count, 0), sessionsOfUnknownKey };
}

/** A key as --json prints it. */
export function toJson({ id, sinceMs, sessions }: UsedKey, index: number): Record<string, unknown> {
  return { id, signs: index === 0, since: sinceMs === undefined ? null : new Date(sinceMs).toISOString(), sessions };
}
