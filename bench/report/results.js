import { isDeepStrictEqual } from 'node:util';
import { medians, spread } from '../measure/stats.js';
import { ratiosOf } from './judge.js';

/**
 * The stored result of a part: the medians of each row, and the ratios for the goals.
 * @param measured rows with their rounds; undefined when this version of sessapp does not have the feature
 * @param circumstances see `readCircumstances`
 */
export function toResult(part, measured = [], circumstances) {
  return { part, ...circumstances, ratios: ratiosOf(part, measured), rows: measured.map(toRow) };
}

function toRow({ id, title, rounds }) {
  const main = 'cpuMicros' in rounds[0] ? 'cpuMicros' : 'seconds';
  return { id, title, median: medians(rounds), spread: spread(rounds.map((round) => round[main])) };
}

/** The circumstances of most results, which are shown once. */
export function usualCircumstances(results) {
  const all = results.map(({ circumstances }) => circumstances);
  const countOf = (one) => all.filter((other) => isDeepStrictEqual(one, other)).length;
  return all.toSorted((a, b) => countOf(b) - countOf(a))[0];
}
