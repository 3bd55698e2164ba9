import { judgePart } from './judge.js';

const figures = {
  cpuMicros: ['CPU µs per request', (value) => digits(value)],
  storeMicros: ['of its store', (value) => digits(value)],
  requestsPerSecond: ['requests per second', (value) => Math.round(value).toLocaleString('en')],
  p50Ms: ['p50 ms', (value) => digits(value)],
  p99Ms: ['p99 ms', (value) => digits(value)],
  seconds: ['seconds', (value) => value.toFixed(3)],
  rssBytes: ['memory MB', (value) => Math.round(value / 1e6).toString()],
  storedBytes: ['bytes stored per session', (value) => Math.round(value).toLocaleString('en')],
  ownBytes: ['own MB', (value) => Math.round(value / 1e6).toString()],
};

/** Renders the rows of a part, with the figures that it has. */
export function renderRows({ rows }) {
  const names = Object.keys(figures).filter((name) => rows.some(({ median }) => median[name] !== undefined));
  const cells = rows.map(({ title, median, spread }) => [
    title,
    ...names.map((name) => (median[name] === undefined ? '' : figures[name][1](median[name]))),
    `±${Math.round(spread * 50)}%`,
  ]);
  return renderTable(['', ...names.map((name) => figures[name][0]), 'spread'], cells);
}

/** Renders each goal: its name, its limit, the measured ratio, and whether it is met. */
export function renderGoals(results) {
  const judged = results.flatMap((result) =>
    judgePart(result).map((verdict) => ({ ...verdict, titles: titlesOf(result) })),
  );
  if (judged.length === 0) return '';
  const cells = judged.map(({ goal, titles, ratio, isMet, reason }) => [
    goal.what,
    `${limitOf(goal)} × ${titles[goal.rows[1]] ?? goal.rows[1]}`.trim(),
    ratio === undefined ? reason : `${digits(ratio)} ×`,
    { true: 'met', false: '**not met**' }[isMet] ?? '',
  ]);
  return renderTable(['goal', 'limit', 'measured', ''], cells);
}

function titlesOf({ rows }) {
  return Object.fromEntries(rows.map(({ id, title }) => [id, title]));
}

function limitOf({ atMost, atLeast }) {
  if (atMost !== undefined) return `at most ${atMost}`;
  return atLeast === undefined ? 'reported' : `at least ${atLeast}`;
}

/** Renders a Markdown table. Every column except the first is right-aligned. */
export function renderTable(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `| --- |${' ---: |'.repeat(head.length - 1)}`, ...rows.map(line)].join('\n');
}

/** Renders three significant digits: 0.123, 1.23, 12.3, 123. */
export function digits(value) {
  if (value === 0) return '0';
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(decimals, 3));
}
