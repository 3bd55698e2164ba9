import { goals } from '../goals.js';
import { medianRatio } from '../measure/stats.js';

/**
 * The ratios for the goals of a part, by name. They are computed from the rounds, which are not stored.
 * A goal has no ratio if one of its rows was not measured.
 */
export function ratiosOf(part, measured) {
  const ratios = {};
  for (const goal of goalsOf(part)) {
    const [ours, theirs] = goal.rows.map((id) => measured.find((row) => row.id === id));
    if (ours && theirs) ratios[nameOf(goal)] = medianRatio(ours.rounds, theirs.rounds, goal.figure);
  }
  return ratios;
}

/**
 * Compares the goals of one part with the figures.
 * @returns for each goal its ratio and whether it is met, or the reason why it has no ratio
 */
export function judgePart(result) {
  return goalsOf(result.part).map((goal) => ({ goal, ...judge(goal, result) }));
}

function judge(goal, { rows, ratios }) {
  if (rows.length === 0) return { reason: 'not in this version' };
  const missing = goal.rows.find((id) => !rows.some((row) => row.id === id));
  if (missing !== undefined) return { reason: `${missing} was not measured` };
  const ratio = ratios[nameOf(goal)];
  if (ratio === undefined) return { reason: 'not compared in this run' };
  const { atMost, atLeast } = goal;
  if (atMost === undefined && atLeast === undefined) return { ratio };
  return { ratio, isMet: atLeast === undefined ? ratio <= atMost : ratio >= atLeast };
}

function goalsOf(part) {
  return goals.filter((goal) => goal.part === part);
}

function nameOf({ rows: [ours, theirs], figure }) {
  return `${figure}: ${ours} / ${theirs}`;
}
