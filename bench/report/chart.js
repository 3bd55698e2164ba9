import { digits } from './table.js';

/** The panels of the chart: the rows of a part, and the figure that determines the length of a bar. */
const panels = [
  {
    part: 'reads',
    title: 'Session read: CPU µs per request',
    figure: 'cpuMicros',
    rows: perNode('sessapp', 'fastify-memory', 'express-memory', 'express-redis'),
  },
  {
    part: 'writes',
    title: 'Session write, durable: CPU µs per request',
    figure: 'cpuMicros',
    rows: perNode('sessapp', 'fastify-memory', 'express-memory', 'express-redis'),
  },
  {
    part: 'init',
    title: 'Making an environment: seconds',
    figure: 'seconds',
    rows: ['seen', 'virtualenv', 'npm-ci', 'express-generator'],
  },
];

const width = 760;
const labelWidth = 400;
const barHeight = 16;
const rowHeight = 22;
const headHeight = 34;
const margin = 16;

// The chart has its own background, so that it is readable on a dark page of a light system too.
const style = `
  .page { fill: #ffffff; stroke: #d0d7de } text { font: 13px sans-serif; fill: #1f2328 } .title { font-weight: 600 }
  .bar { fill: #afb8c1 } .ours { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; stroke: #30363d } text { fill: #e6edf3 } .bar { fill: #484f58 } .ours { fill: #2f81f7 }
  }`;

/**
 * Renders the figures as horizontal bars; shorter is better.
 * @returns an SVG document; undefined when none of its rows were measured
 */
export function renderChart(results) {
  const filled = panels.map((panel) => fillPanel(panel, results)).filter(({ bars }) => bars.length > 0);
  if (filled.length === 0) return undefined;
  const parts = [];
  let top = margin;
  for (const panel of filled) {
    parts.push(renderPanel(panel, top));
    top += headHeight + panel.bars.length * rowHeight + margin;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${top}" viewBox="0 0 ${width} ${top}" role="img" aria-label="Shorter bars are better">`,
    `<style>${style}\n</style>`,
    `<rect class="page" x="0.5" y="0.5" width="${width - 1}" height="${top - 1}" rx="6"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function fillPanel({ part, title, figure, rows: ids }, results) {
  const rows = results.find((result) => result.part === part)?.rows ?? [];
  const found = ids.map((id) => rows.find((row) => row.id === id)).filter((row) => row !== undefined);
  return { title, bars: found.map((row) => ({ label: row.title, value: row.median[figure], isOurs: isOurs(row) })) };
}

function isOurs({ title }) {
  return title.startsWith('sessapp');
}

function renderPanel({ title, bars }, top) {
  const longest = Math.max(...bars.map(({ value }) => value));
  const room = width - labelWidth - 2 * margin - 60;
  const lines = bars.map((bar, i) => renderBar(bar, top + headHeight + i * rowHeight, (bar.value / longest) * room));
  return [`<text class="title" x="${margin}" y="${top + 18}">${escapeText(title)}</text>`, ...lines].join('\n');
}

function renderBar({ label, value, isOurs: ours }, top, length) {
  const left = margin + labelWidth;
  const middle = top + barHeight / 2 + 5;
  const name = ours ? 'bar ours' : 'bar';
  return [
    `<text x="${left - 8}" y="${middle}" text-anchor="end">${escapeText(label)}</text>`,
    `<rect class="${name}" x="${left}" y="${top}" width="${length.toFixed(1)}" height="${barHeight}" rx="2"/>`,
    `<text x="${(left + length + 6).toFixed(1)}" y="${middle}">${digits(value)}</text>`,
  ].join('\n');
}

function perNode(...ids) {
  return [20, 24].flatMap((major) => ids.map((id) => `${id}@${major}`));
}

function escapeText(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
