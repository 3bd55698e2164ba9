import { expect, test } from 'vitest';
import { killLoop } from '../support/kill-loop.ts';
import { Sandbox } from '../support/sandbox.ts';

test('after each of 100 kills of all processes, every acknowledged write is stored, and no destroyed session is back', async () => {
  const { writes, ends, doubts } = await killLoop(new Sandbox(), 100);
  console.log(`${writes} writes and ${ends} logouts were acknowledged; ${doubts} writes were interrupted`);
  expect(writes).toBeGreaterThan(2000);
  expect(ends).toBeGreaterThan(500);
  expect(doubts).toBeGreaterThan(100);
}, 1_800_000);
