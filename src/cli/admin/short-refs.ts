import { distinctLength, renderRef } from './session-ref.ts';
import type { SessionSummary } from './store-calls.ts';

/** How much of a key is shown where that is enough; as a number it has 48 bits. */
const shownLength = 8;

/**
 * How each of these sessions is shown: by a few characters, by more where two begin the same. It keeps eight bytes for
 * each, so that there may be a million.
 * @param list starts a walk over them, each time anew
 */
export async function shortRefs(list: () => AsyncIterable<SessionSummary>): Promise<(key: string) => string> {
  const shared = await findShared(list());
  if (shared.size === 0) return (key) => renderRef(key, shownLength);
  const groups = new Map([...shared].map((number): [number, string[]] => [number, []]));
  for await (const { key } of list()) groups.get(toNumber(key))?.push(key);
  const lengths = new Map([...groups].map(([number, keys]) => [number, distinctLength(keys)]));
  return (key) => renderRef(key, lengths.get(toNumber(key)) ?? shownLength);
}

/** The beginnings that several keys have. */
async function findShared(sessions: AsyncIterable<SessionSummary>): Promise<Set<number>> {
  let numbers = new Float64Array(1024);
  let count = 0;
  for await (const { key } of sessions) {
    if (count === numbers.length) numbers = grow(numbers);
    numbers[count] = toNumber(key);
    count += 1;
  }
  const sorted = numbers.subarray(0, count).sort();
  return new Set(sorted.filter((number, n) => number === sorted[n + 1]));
}

function grow(numbers: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(numbers.length * 2);
  larger.set(numbers);
  return larger;
}

function toNumber(key: string): number {
  return Buffer.from(key.slice(0, shownLength).padEnd(shownLength, 'A'), 'base64url').readUIntBE(0, 6);
}
