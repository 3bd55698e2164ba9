import { isDeepStrictEqual } from 'node:util';
import { parts } from '../parts/index.js';
import { usualCircumstances } from './results.js';
import { renderGoals, renderRows } from './table.js';

/** All results as a page. */
export function renderReport(results) {
  const usual = usualCircumstances(results);
  const goals = renderGoals(results);
  return `${[
    '# Measured',
    ...(results.some(({ circumstances }) => circumstances.quick)
      ? ['**Made in short rounds, of fewer sessions: these are no figures.**']
      : []),
    'Made by `npm run bench`; [bench/README.md](../README.md) says how it is measured. Ratios are what counts.',
    ...(usual ? [renderCircumstances(usual)] : []),
    ...(goals === '' ? [] : ['## Goals', goals]),
    ...results.map((result) => renderPart(result, usual)),
  ].join('\n\n')}\n`;
}

/**
 * One part as a section.
 * @param known circumstances that the reader knows already; others are written under the table
 */
export function renderPart(result, known) {
  const { title, about, notes } = parts[result.part];
  const { rows, circumstances, measuredAt, sessapp, loadBefore } = result;
  const { missing } = circumstances;
  const table = rows.length > 0 ? renderRows(result) : 'This sessapp has nothing of the kind to measure.';
  const absent = missing.length > 0 ? [`- Left out, because they are not installed: ${missing.join(', ')}.`] : [];
  const list = [...notes.map((note) => `- ${note}`), ...absent].join('\n');
  const own = isDeepStrictEqual(circumstances, known) ? '' : `; ${renderCircumstances(circumstances)}`;
  const under = `<sub>${measuredAt.slice(0, 10)}, sessapp ${sessapp}, load before ${loadBefore}${own}</sub>`;
  return [`## ${title}`, about, table, ...(list === '' ? [] : [list]), under].join('\n\n');
}

function renderCircumstances({ rounds, machine, versions }) {
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${rounds} rounds, ${machine.processor}, ${machine.cores} processors; ${list.join(', ')}.`;
}
