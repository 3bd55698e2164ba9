import { expect, test } from 'vitest';
import { killLoop } from '../support/kill-loop.ts';
import { Sandbox } from '../support/sandbox.ts';

test('after a kill -9 of all server processes, every acknowledged write exists, and no ended session does', async () => {
  const { writes, ends } = await killLoop(new Sandbox(), 3);
  expect(writes).toBeGreaterThan(20);
  expect(ends).toBeGreaterThan(5);
}, 120_000);
