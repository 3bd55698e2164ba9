import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defaultLimits } from '../../src/session/data/limits.ts';
import { repository } from '../support/sandbox.ts';

const ways = ['tested', 'documented', 'by design', 'in part', 'application', 'proxy', 'does not apply'];

/** The number of requirements in each section of the chapters V3, V6 (only passwords) and V7 of ASVS 5.0. */
const sections = {
  ...{ '3.1': 1, '3.2': 3, '3.3': 5, '3.4': 8, '3.5': 8, '3.6': 1, '3.7': 5 },
  ...{ '6.1': 3, '6.2': 12, '6.3': 8, '6.4': 6 },
  ...{ '7.1': 3, '7.2': 4, '7.3': 2, '7.4': 5, '7.5': 3, '7.6': 2 },
};

interface Row {
  names: string[];
  known: string;
}

async function readRows(): Promise<Row[]> {
  const text = await readFile(join(repository, 'docs', 'security.md'), 'utf8');
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (---|requirement|heading) /.test(line));
  return lines.map((line) => {
    const [, first = '', , known = ''] = line.split('|').map((cell) => cell.trim());
    return { names: /^\d/.test(first) ? first.split(/, | to /) : [first], known };
  });
}

/** The requirements at the beginning of the test titles. */
async function readTested(): Promise<string[]> {
  const files = (await readdir(import.meta.dirname)).filter(
    (name) => name.endsWith('.test.ts') && name !== 'table.test.ts',
  );
  const texts = await Promise.all(files.map((name) => readFile(join(import.meta.dirname, name), 'utf8')));
  const titles = texts.flatMap((text) => [...text.matchAll(/'(?:Cheat sheet, ([^:']+)|(\d+\.\d+\.\d+)): /g)]);
  return [...new Set(titles.map(([, heading, id = '']) => heading ?? id))].sort();
}

test('every row that docs/security.md calls tested has a test with its name, and every test has a row', async () => {
  const rows = await readRows();
  const tested = rows.filter(({ known }) => known === 'tested').flatMap(({ names }) => names);
  expect(await readTested()).toEqual(tested.sort());
  expect(tested.length).toBeGreaterThan(60);
});

test('each row names its kind of evidence, and each requirement has one row', async () => {
  const rows = await readRows();
  expect(rows.filter(({ known }) => !ways.includes(known))).toEqual([]);
  const names = rows.flatMap((row) => row.names);
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
});

test('every requirement of the chapters V3, V6 and V7 has a row', async () => {
  const wanted = Object.entries(sections).flatMap(([section, count]) =>
    Array.from({ length: count }, (_, n) => `${section}.${n + 1}`),
  );
  const names = (await readRows()).flatMap((row) => row.names).filter((name) => /^(3|6\.[1-4]|7)\./.test(name));
  expect(names.sort()).toEqual(wanted.sort());
});

test('docs/sessions.md has the actual limits', async () => {
  const text = await readFile(join(repository, 'docs', 'sessions.md'), 'utf8');
  const values = [...text.matchAll(/^\| [^|]+ \| (\d+) (\w+) \|/gm)].map(
    ([, count, unit = '']) => Number(count) * (units[unit] ?? 0),
  );
  const { idleMs, anonymousIdleMs, absoluteMs, warnBytes, refuseBytes, storeDeadlineMs } = defaultLimits;
  expect(values).toEqual([idleMs, anonymousIdleMs, absoluteMs, warnBytes, refuseBytes, storeDeadlineMs]);
  for (const key of defaultLimits.ownerKeys) expect(text).toContain(`\`${key}\``);
});

const units: Record<string, number> = { s: 1000, minutes: 60_000, hours: 3_600_000, days: 86_400_000, KB: 1024 };
