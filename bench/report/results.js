import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { medians, spread } from '../measure/stats.js';
import { parts } from '../parts/index.js';
import { keptPath } from '../setup/workshop.js';
import { renderChart } from './chart.js';
import { renderGoals, renderRows } from './table.js';

/** Figures of short rounds are not for others to read: they stay where git does not look. */
export function resultsDirectory(isQuick) {
  return isQuick ? keptPath('quick-results') : join(import.meta.dirname, '..', 'results');
}

/** What a part measured, with the medians of its rounds. */
export function toResult(part, measured, circumstances) {
  const { title, about, notes } = parts[part];
  const rows = measured?.map((row) => {
    const main = 'cpuMicros' in row.rounds[0] ? 'cpuMicros' : 'seconds';
    return { ...row, median: medians(row.rounds), spread: spread(row.rounds.map((round) => round[main])) };
  });
  return { part, title, about, notes, ...circumstances, rows: rows ?? [] };
}

export async function writeResult(directory, result) {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, `${result.part}.json`), `${JSON.stringify(result, roundNumbers, 1)}\n`);
}

function roundNumbers(_, value) {
  return typeof value === 'number' ? Number(value.toPrecision(6)) : value;
}

/** Writes README.md and the chart from every result that is there. */
export async function writeReport(directory) {
  const results = [];
  for (const part of Object.keys(parts)) {
    const result = await readResult(directory, part);
    if (result) results.push(result);
  }
  await writeFile(join(directory, 'README.md'), renderReport(results));
  const chart = renderChart(results);
  if (chart) await writeFile(join(directory, 'speed.svg'), chart);
}

async function readResult(directory, part) {
  try {
    return JSON.parse(await readFile(join(directory, `${part}.json`), 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** All results as a page. */
export function renderReport(results) {
  const goals = renderGoals(results);
  return `${[
    '# Measured',
    ...(results.some(({ quick }) => quick)
      ? ['**Made in short rounds, of fewer sessions: these are no figures.**']
      : []),
    'Made by `npm run bench`; [bench/README.md](../README.md) says how it is measured. Ratios are what counts.',
    ...(goals === '' ? [] : ['## Goals', goals]),
    ...results.map(renderPart),
  ].join('\n\n')}\n`;
}

/** One part as a section. */
export function renderPart(result) {
  const { title, about, notes, rows, rounds, machine, missing, measuredAt, versions } = result;
  const table = rows.length > 0 ? renderRows(result) : 'This sessapp has nothing of the kind to measure.';
  const absent = missing.length > 0 ? [`- Left out, because they are not installed: ${missing.join(', ')}.`] : [];
  const list = [...notes.map((note) => `- ${note}`), ...absent].join('\n');
  const under = `<sub>${measuredAt.slice(0, 10)}, ${rounds} rounds, ${machine.processor}, ${machine.cores} processors, load before ${machine.loadBefore}; ${renderVersions(versions)}</sub>`;
  return [`## ${title}`, about, table, ...(list === '' ? [] : [list]), under].join('\n\n');
}

function renderVersions(versions) {
  return Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
}
