import { UsageError } from '../errors.ts';

/** The valid word that a mistyped word most likely means; undefined when none is close. */
export async function nearest(given: string, valid: string[]): Promise<string | undefined> {
  if (valid.length === 0) return undefined;
  const { closest, distance } = await import('fastest-levenshtein');
  // If two words are equally close, prefer equal length: swapped letters are more likely than a missing one.
  const byLength = valid.toSorted((a, b) => lengthApart(given, a) - lengthApart(given, b));
  const match = closest(given, byLength);
  return distance(given, match) <= Math.max(2, given.length / 3) ? match : undefined;
}

function lengthApart(a: string, b: string): number {
  return Math.abs(a.length - b.length);
}

/** `Did you mean … ? Valid stores: …` */
export async function renderSuggestion(kind: string, given: string, valid: string[]): Promise<string> {
  const match = await nearest(given, valid);
  return `${match === undefined ? '' : `Did you mean ${match}? `}Valid ${kind}s: ${valid.join(', ')}.`;
}

/** @throws UsageError when `given` is not one of the valid words; it lists them and suggests the nearest */
export async function verifyChoice(kind: string, given: string, valid: string[]): Promise<void> {
  if (valid.includes(given)) return;
  // An address may contain a password, so do not repeat it.
  const named = given.includes('://') ? 'of that name' : `'${given}'`;
  throw new UsageError(`There is no ${kind} ${named}.`, await renderSuggestion(kind, given, valid));
}
