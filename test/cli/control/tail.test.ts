import { appendFile, truncate, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { followFile, readTail } from '../../../src/cli/control/tail.ts';
import { Sandbox } from '../../support/sandbox.ts';
import { waitFor } from '../../support/server.ts';

test('a file that is truncated in place is followed from its new start', async () => {
  const path = new Sandbox().path('log');
  await writeFile(path, 'one\ntwo\n');
  const end = new AbortController();
  let seen = '';
  const following = (async () => {
    for await (const chunk of followFile(path, 1, end.signal)) seen += chunk;
  })();
  await waitFor(() => seen === 'two\n');
  await truncate(path);
  await appendFile(path, 'three\n');
  await waitFor(() => seen === 'two\nthree\n');
  end.abort();
  await following;
});

const long = `{"stack":"${'x'.repeat(100_000)}end"}`;

test.each<[string, string, string]>([
  ['fewer lines than requested', 'one\ntwo\n', 'one\ntwo'],
  ['no line ending at the end', '1\n2\n3\n4', '2\n3\n4'],
  ['one line that is longer than the part that is read', `${long}\n`, long.slice(1 - 64 * 1024)],
  ['a long line without a line ending', `one\n${long}`, long.slice(-64 * 1024)],
  ['lines after a long one', `${long}\none\n`, 'one'],
])('readTail returns the last three lines of %s', async (_, text, expected) => {
  const path = new Sandbox().path('log');
  await writeFile(path, text);
  expect(await readTail(path, 3)).toBe(expected);
});
