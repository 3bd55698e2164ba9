import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeBlock, listPages, readBlocks } from '../support/docs.ts';
import { repository } from '../support/sandbox.ts';
import { claimOf } from './claims.ts';

const blocks = listPages().flatMap(readBlocks);

test('a test runs each code block of each page', () => {
  expect(blocks.filter((block) => claimOf(block) === undefined).map(describeBlock)).toEqual([]);
});

test('each test file that is to run a block opens its page', () => {
  const isOpened = (file: string, page: string): boolean =>
    readFileSync(join(repository, file), 'utf8').includes(`openPage('${page}'`);
  const claimed = blocks
    .flatMap((block) => ({ block, file: claimOf(block) ?? [] }))
    .filter(({ file }) => file.length > 0);
  expect(
    claimed.filter(({ block, file }) => !isOpened(String(file), block.page)).map(({ block }) => describeBlock(block)),
  ).toEqual([]);
});

test('docs/README.md lists every page', () => {
  const index = readFileSync(join(repository, 'docs', 'README.md'), 'utf8');
  const pages = listPages().filter((page) => page.startsWith('docs/') && page !== 'docs/README.md');
  expect(pages.filter((page) => !index.includes(`](${page.slice('docs/'.length)})`))).toEqual([]);
});
