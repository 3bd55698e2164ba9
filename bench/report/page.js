import { isDeepStrictEqual } from 'node:util';
import { parts } from '../parts/index.js';
import { usualCircumstances } from './results.js';
import { renderGoals, renderRows } from './table.js';

/** Renders all results as a page. */
export function renderReport(results) {
  const usual = usualCircumstances(results);
  const goals = renderGoals(results);
  return `${[
    '# Measured',
    ...(results.some(({ circumstances }) => circumstances.quick)
      ? ['**These figures are from a quick run with few sessions. They are not meaningful.**']
      : []),
    '`npm run bench` made this page; [bench/README.md](../README.md) explains how it measures. Compare ratios, not single figures.',
    ...(usual ? [renderCircumstances(usual)] : []),
    ...(goals === '' ? [] : ['## Goals', goals]),
    ...results.map((result) => renderPart(result, usual)),
  ].join('\n\n')}\n`;
}

/**
 * Renders one part as a section.
 * @param known the circumstances that the page has already shown; other circumstances are shown below the table
 */
export function renderPart(result, known) {
  const { title, about, notes } = parts[result.part];
  const { rows, circumstances, measuredAt, sessapp, loadBefore } = result;
  const { missing } = circumstances;
  const table = rows.length > 0 ? renderRows(result) : 'This version of sessapp does not have this feature.';
  const absent = missing.length > 0 ? [`- Not measured, because not installed: ${missing.join(', ')}.`] : [];
  const list = [...notes.map((note) => `- ${note}`), ...absent].join('\n');
  const own = isDeepStrictEqual(circumstances, known) ? '' : `; ${renderCircumstances(circumstances)}`;
  const under = `<sub>${measuredAt.slice(0, 10)}, sessapp ${sessapp}, load before ${loadBefore}${own}</sub>`;
  return [`## ${title}`, about, table, ...(list === '' ? [] : [list]), under].join('\n\n');
}

function renderCircumstances({ rounds, machine, versions }) {
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${rounds} rounds, ${machine.processor}, ${machine.cores} processors; ${list.join(', ')}.`;
}
