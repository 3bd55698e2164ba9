import { test } from 'vitest';
import { AdoptingDriver } from '../../src/stores/adopting-driver.ts';
import type { Driver } from '../../src/stores/driver.ts';
import { addKey, type Move, raceOften } from './move-race.ts';

const adopt =
  (isMoving: boolean) =>
  (from: Driver, to: Driver): Driver =>
    new AdoptingDriver({ from, to }, () => isMoving);

// A change at the same moment as a move by another process may be applied twice, so the test uses an idempotent change.
const move: Move = { phases: [(from) => from, adopt(false), adopt(true), adopt(true)], change: addKey };

test('processes that adopt sessions lose none, restore none, and keep acknowledged changes', async () => {
  await raceOften(move, async (race) => {
    const driver = adopt(true)(race.from.connect(), race.to.connect());
    for (const key of race.accounts.keys()) await driver.read(key);
  });
});
