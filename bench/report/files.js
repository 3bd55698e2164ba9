import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parts } from '../parts/index.js';
import { keptPath } from '../setup/workspace.js';
import { renderChart } from './chart.js';
import { renderReport } from './page.js';
import { usualCircumstances } from './results.js';

const file = 'figures.json';
/** How many levels of the JSON file are expanded: each row is one line, so that a diff shows the changed rows. */
const expandedLevels = 4;

/** The figures of a quick run go to a git-ignored directory: they only show that a part works. */
export function resultsDirectory(isQuick) {
  return isQuick ? keptPath('quick-results') : join(import.meta.dirname, '..', 'results');
}

/** Replaces the figures of a part, and renders the page and the chart. */
export async function writeResult(directory, result) {
  await mkdir(directory, { recursive: true });
  const byPart = Object.fromEntries((await readResults(directory)).map((earlier) => [earlier.part, earlier]));
  byPart[result.part] = result;
  const results = Object.keys(parts).flatMap((part) => byPart[part] ?? []);
  await writeFile(join(directory, file), `${renderJson(compact(results), expandedLevels)}\n`);
  await writeReport(directory);
}

/** Renders the page and the chart of all parts from the file of figures. */
export async function writeReport(directory) {
  const results = await readResults(directory);
  await writeFile(join(directory, 'README.md'), renderReport(results));
  const chart = renderChart(results);
  if (chart) await writeFile(join(directory, 'speed.svg'), chart);
}

/** The results of every part that was measured, in the order in which they were written. */
export async function readResults(directory) {
  try {
    const { circumstances, parts: byPart } = JSON.parse(await readFile(join(directory, file), 'utf8'));
    return Object.entries(byPart).map(([part, result]) => ({ part, circumstances, ...result }));
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}

/** Stores the usual circumstances once. A part has its own only if they differ. */
function compact(results) {
  const usual = usualCircumstances(results);
  const byPart = results.map(({ part, circumstances, ...result }) => [
    part,
    isDeepStrictEqual(circumstances, usual) ? result : { circumstances, ...result },
  ]);
  return { circumstances: usual, parts: Object.fromEntries(byPart) };
}

/** @param levels how many levels of objects and arrays have one line per entry; deeper levels are on one line */
function renderJson(value, levels) {
  const isList = Array.isArray(value);
  const entries = Object(value) === value ? Object.entries(value) : [];
  if (levels === 0 || entries.length === 0) return JSON.stringify(value, roundNumbers);
  const lines = entries.map(([name, inner]) => {
    const text = renderJson(inner, levels - 1);
    return isList ? text : `${JSON.stringify(name)}: ${text}`;
  });
  const [open, close] = isList ? '[]' : '{}';
  return [open, lines.join(',\n').replace(/^/gm, ' '), close].join('\n');
}

function roundNumbers(_, value) {
  return typeof value === 'number' ? Number(value.toPrecision(6)) : value;
}
