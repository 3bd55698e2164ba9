import { closest, distance } from 'fastest-levenshtein';
import { UsageError } from './errors.ts';

/** The valid word that a mistyped one most likely meant, or undefined when none is near. */
export function nearest(given: string, valid: string[]): string | undefined {
  if (valid.length === 0) return undefined;
  const match = closest(given, valid);
  return distance(given, match) <= Math.max(2, given.length / 3) ? match : undefined;
}

/** `Did you mean … ? Valid stores: …` */
export function renderSuggestion(kind: string, given: string, valid: string[]): string {
  const match = nearest(given, valid);
  return `${match === undefined ? '' : `Did you mean ${match}? `}Valid ${kind}s: ${valid.join(', ')}.`;
}

/** @throws UsageError when `given` is not one of the valid words; it lists them and suggests the nearest */
export function verifyChoice(kind: string, given: string, valid: string[]): void {
  if (valid.includes(given)) return;
  throw new UsageError(`There is no ${kind} '${given}'.`, renderSuggestion(kind, given, valid));
}
