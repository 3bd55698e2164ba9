import { goals } from '../goals.js';
import { medianRatio } from '../measure/stats.js';

/**
 * The goals of one part against what was measured.
 * @returns for each goal its ratio, and whether it is met; without a ratio, why there is none
 */
export function judgePart({ part, rows }) {
  return goals.filter((goal) => goal.part === part).map((goal) => ({ goal, ...judge(goal, rows) }));
}

function judge({ rows: ids, figure, atMost, atLeast }, rows) {
  const [ours, theirs] = ids.map((id) => rows.find((row) => row.id === id));
  if (rows.length === 0) return { reason: 'not in this version' };
  if (!ours || !theirs) return { reason: `${ours ? ids[1] : ids[0]} was not measured` };
  const ratio = medianRatio(ours.rounds, theirs.rounds, figure);
  if (atMost === undefined && atLeast === undefined) return { ratio };
  return { ratio, isMet: atLeast === undefined ? ratio <= atMost : ratio >= atLeast };
}
