import { UsageError } from '../errors.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const units: Record<string, number> = { s: second, m: minute, h: hour, d: day };

/** @param text such as 90m, 12h or 7d */
export function parseDuration(text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const unitMs = units[unit];
  if (unitMs === undefined) throw new UsageError(`'${text}' is not a valid duration.`, 'For example: 90m, 12h, 7d.');
  return Number(number) * unitMs;
}

/** The distance between a time and now: `3h ago`, `in 30d`, `now`. */
export function renderDistance(atMs: number, nowMs: number): string {
  const awayMs = Math.abs(atMs - nowMs);
  if (awayMs < second) return 'now';
  const [unit, unitMs] = Object.entries(units).findLast(([, ms]) => awayMs >= ms) ?? ['s', second];
  const distance = `${Math.floor(awayMs / unitMs)}${unit}`;
  return atMs > nowMs ? `in ${distance}` : `${distance} ago`;
}
