import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { repository, Sandbox } from '../support/sandbox.ts';
import { load } from './modules.ts';

interface Row {
  id: string;
  title: string;
  rounds: Record<string, number>[];
}
interface Goal {
  part: string;
  rows: [string, string];
  figure: string;
  atMost?: number;
  atLeast?: number;
}
interface Result {
  part: string;
  circumstances: object;
  rows: Record<string, unknown>[];
}

const { goals } = await load<{ goals: Goal[] }>('goals');
const { parts } = await load<{ parts: Record<string, { title: string; about: string; notes: string[] }> }>(
  'parts/index',
);
const { toResult } = await load<{ toResult(part: string, rows: Row[] | undefined, measurement: object): Result }>(
  'report/results',
);
const { renderReport } = await load<{ renderReport(results: Result[]): string }>('report/page');
const { readResults, resultsDirectory, writeResult } = await load<{
  readResults(directory: string): Promise<Result[]>;
  resultsDirectory(isQuick: boolean): string;
  writeResult(directory: string, result: Result): Promise<void>;
}>('report/files');
const { digits, renderGoals, renderTable } = await load<{
  digits(value: number): string;
  renderTable(head: string[], rows: unknown[][]): string;
  renderGoals(results: Result[]): string;
}>('report/table');
const { renderChart } = await load<{ renderChart(results: Result[]): string | undefined }>('report/chart');
const { fileOf, selfTimes } = await load<{
  selfTimes(profile: object, placeOf: (frame: { url: string; functionName: string }) => string): [string, number][];
  fileOf(frame: { url: string; functionName: string }): string;
}>('report/profile');

const circumstances = {
  rounds: 3,
  quick: false,
  missing: [],
  machine: { processor: 'A processor', cores: 2 },
  versions: { 'Node 20': 'v20.20.2' },
};
const measurement = { measuredAt: '2030-01-02T03:04:05.000Z', sessapp: '1.2.3', loadBefore: 0.01, circumstances };

function row(id: string, figure: string, ...values: number[]): Row {
  return { id, title: `the ${id}`, rounds: values.map((value) => ({ [figure]: value })) };
}

const init = toResult(
  'init',
  [
    row('seen', 'seconds', 0.2, 0.3, 0.2),
    row('npm-ci', 'seconds', 2, 2, 2.2),
    row('virtualenv', 'seconds', 0.2, 0.2, 0.2),
  ],
  measurement,
);

test('the goals are unchanged', () => {
  const node20 = (id: string): string => id.replace('@24', '@20');
  const perNode = goals.filter(({ rows }) => rows[0].endsWith('@24'));
  const twins = goals.filter(({ rows }) => rows[0].endsWith('@20'));
  expect(twins.map(({ rows }) => rows)).toEqual(perNode.map(({ rows }) => rows.map(node20)));
  const limits = goals.map(({ rows, figure, atMost, atLeast }) => [...rows, figure, atMost ?? atLeast]);
  expect(limits).toEqual([
    ['sessapp@20', 'fastify-memory@20', 'cpuMicros', 1],
    ['sessapp@24', 'fastify-memory@24', 'cpuMicros', 1],
    ['sessapp@20', 'express-redis@20', 'cpuMicros', 0.5],
    ['sessapp@24', 'express-redis@24', 'cpuMicros', 0.75],
    ['sessapp@20', 'flask', 'requestsPerSecond', 3],
    ['sessapp@24', 'flask', 'requestsPerSecond', 3],
    ['sessapp@20', 'express-redis@20', 'cpuMicros', 0.75],
    ['sessapp@24', 'express-redis@24', 'cpuMicros', 0.75],
    ['sessapp@20', 'express-file@20', 'cpuMicros', 0.1],
    ['sessapp@24', 'express-file@24', 'cpuMicros', 0.1],
    ['sessapp@20', 'express-memory@20', 'cpuMicros', 1],
    ['sessapp@24', 'express-memory@24', 'cpuMicros', 1],
    ...[20, 24, 26].flatMap((major) => ['read', 'write', 'new'].flatMap((load) => existing(`@${major} ${load}`))),
    ['seen', 'npm-ci', 'seconds', 0.15],
    ['seen', 'virtualenv', 'seconds', 0.75],
    ['first', 'npm-ci', 'seconds', 1.1],
    ['version', 'node', 'seconds', 1.2],
    ['info', 'node', 'seconds', 1.5],
    ['serve', 'plain', 'seconds', 1.25],
    ['plain', 'hello', 'seconds', 2],
    ['many', 'few', 'cpuMicros', 1.2],
    ['many', 'few', 'rssBytes', 1.2],
    ['many', 'few', 'ownBytes', 1.2],
    ['pruning', 'quiet', 'p99Ms', 2],
    ['two read', 'one read', 'requestsPerSecond', undefined],
    ['two write', 'one write', 'requestsPerSecond', undefined],
  ]);
});

function existing(suffix: string): unknown[] {
  const goal = (ours: string, theirs: string, limit: number) => [ours + suffix, theirs + suffix, 'cpuMicros', limit];
  return [
    goal('changed-memory', 'express-memory', 1),
    goal('changed-redis', 'express-redis', 1),
    goal('changed-postgres', 'express-postgres', 1),
    goal('changed-redis-driver', 'express-redis', 0.75),
  ];
}

test('each goal belongs to a part, and each part has a description', async () => {
  for (const { part } of goals) expect(Object.keys(parts)).toContain(part);
  for (const { title, about, notes } of Object.values(parts)) expect([title, about, notes]).not.toContain(undefined);
  const readme = await readFile(join(repository, 'bench', 'README.md'), 'utf8');
  const listed = [...readme.matchAll(/^\| `([a-z]+)` \|/gm)].map(([, name]) => name);
  expect(listed).toEqual(Object.keys(parts));
});

describe('a goal', () => {
  test('is compared with the median of the ratios of the rounds', () => {
    const table = renderGoals([init]);
    expect(table).toContain('| at most 0.15 × the npm-ci | 0.100 × | met |');
    expect(table).toContain('| at most 0.75 × the virtualenv | 1.00 × | **not met** |');
  });

  test('without a row is reported as not measured', () => {
    expect(renderGoals([init])).toContain('first was not measured');
    expect(renderGoals([toResult('workers', undefined, measurement)])).toContain('not in this version');
  });

  test('with a minimum is met by a larger value', () => {
    const rows = (ours: number): Row[] => [
      row('sessapp@20', 'requestsPerSecond', ours),
      row('flask', 'requestsPerSecond', 100),
    ];
    const reads = (ours: number) => renderGoals([toResult('reads', rows(ours), measurement)]);
    expect(reads(301)).toMatch(/at least 3 × the flask \| 3\.01 × \| met/);
    expect(reads(299)).toMatch(/at least 3 × the flask \| 2\.99 × \| \*\*not met/);
  });
});

describe('a report', () => {
  const withoutVirtualenv = { ...circumstances, missing: ['virtualenv'] };

  test('contains the goals, every row with its medians, the notes, and the parts that were skipped', () => {
    const page = renderReport([{ ...init, circumstances: withoutVirtualenv }]);
    expect(page).toContain('## Goals');
    expect(page).toContain('| the npm-ci | 2.000 | ±5% |');
    expect(page).toContain('express-generator’s application has no sessions.');
    expect(page).toContain('Not measured, because not installed: virtualenv.');
    expect(page).toContain('<sub>2030-01-02, sessapp 1.2.3, load before 0.01</sub>');
    expect(page).not.toContain('undefined');
  });

  test('shows the common conditions once, and different conditions under their part', () => {
    const other = { ...circumstances, machine: { processor: 'Another one', cores: 8 } };
    const page = renderReport([init, toResult('cli', [], measurement), { ...init, circumstances: other }]);
    expect(page.split('3 rounds, A processor, 2 processors; Node 20 v20.20.2.')).toHaveLength(2);
    expect(page).toContain('load before 0.01; 3 rounds, Another one, 8 processors; Node 20 v20.20.2.</sub>');
  });
});

describe('the file of figures', () => {
  const file = 'figures.json';
  const cli = toResult('cli', [row('node', 'seconds', 0.05, 0.0512345678)], measurement);

  test('contains medians, spread and ratios, one line for each row, and no single rounds', async () => {
    const { directory } = new Sandbox();
    await writeResult(directory, init);
    const text = await readFile(join(directory, file), 'utf8');
    expect(text).toContain('{"id":"npm-ci","title":"the npm-ci","median":{"seconds":2},"spread":0.1}');
    expect(JSON.parse(text).parts.init.ratios).toEqual({
      'seconds: seen / npm-ci': 0.1,
      'seconds: seen / virtualenv': 1,
    });
    expect(renderReport(await readResults(directory))).toBe(renderReport([init]));
  });

  test('changes only in the part that was measured', async () => {
    const { directory } = new Sandbox();
    for (const result of [cli, init]) await writeResult(directory, result);
    const before = await readFile(join(directory, file), 'utf8');
    const again = toResult('cli', [row('node', 'seconds', 0.07)], {
      ...measurement,
      circumstances: { ...circumstances, rounds: 5 },
    });
    await writeResult(directory, again);
    expect(renderReport(await readResults(directory))).toBe(renderReport([init, again]));
    await writeResult(directory, cli);
    expect(await readFile(join(directory, file), 'utf8')).toBe(before);
  });

  // After you change a text or a goal, run: npm run bench -- --render
  test('is the only source of the tables and the chart in this repository', async () => {
    const directory = resultsDirectory(false);
    const results = await readResults(directory);
    expect((await readdir(directory)).sort()).toEqual(['README.md', file, 'speed.svg']);
    expect(results.map(({ part }) => part)).toEqual(Object.keys(parts));
    expect(await readFile(join(directory, 'README.md'), 'utf8')).toBe(renderReport(results));
    expect(await readFile(join(directory, 'speed.svg'), 'utf8')).toBe(renderChart(results));
    const lines = (await readFile(join(directory, file), 'utf8')).split('\n');
    expect(lines.length).toBeLessThan(400);
  });
});

test('a table keeps its columns for any cell content', () => {
  expect(renderTable(['a', 'b'], [['x|y', 1]])).toBe('| a | b |\n| --- | ---: |\n| x\\|y | 1 |');
});

test.each([
  [0, '0'],
  [0.1234, '0.123'],
  [1.234, '1.23'],
  [12.34, '12.3'],
  [1234, '1234'],
])('%d is written as %s', (value, text) => {
  expect(digits(value)).toBe(text);
});

describe('the chart', () => {
  test('has a bar for each row, proportional to its figure, and highlights the bars of sessapp', () => {
    const rows = [row('seen', 'seconds', 0.5), row('npm-ci', 'seconds', 2)];
    const [ours, theirs] = [
      { ...rows[0], title: 'sessapp init' },
      { ...rows[1], title: 'npm <ci>' },
    ] as [Row, Row];
    const svg = renderChart([toResult('init', [ours, theirs], measurement)]) ?? '';
    const bars = [...svg.matchAll(/<rect class="(bar[^"]*)".* width="([\d.]+)"/g)].map(([, name, width]) => [
      name,
      width,
    ]);
    expect(bars[0]?.[0]).toBe('bar ours');
    expect(Number(bars[1]?.[1]) / Number(bars[0]?.[1])).toBeCloseTo(4, 1);
    expect(svg).toContain('npm &lt;ci&gt;');
    expect(svg).toContain('prefers-color-scheme: dark');
  });

  test('is not rendered without figures', () => {
    expect(renderChart([])).toBeUndefined();
  });
});

test('a profile is summed by file, without idle time', () => {
  const frame = (url: string, functionName = 'f') => ({ url, functionName });
  const nodes = [
    { id: 1, callFrame: frame('', '(idle)') },
    { id: 2, callFrame: frame('file:///x/node_modules/express/lib/response.js') },
    { id: 3, callFrame: frame('', '(garbage collector)') },
  ];
  const profile = { nodes, samples: [1, 2, 3, 2], timeDeltas: [1000, 20, 10, 10] };
  expect(selfTimes(profile, fileOf)).toEqual([
    ['express/lib/response.js', 0.75],
    ['(garbage collector)', 0.25],
  ]);
});
