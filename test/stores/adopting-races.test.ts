import { test } from 'vitest';
import { AdoptingDriver } from '../../src/stores/adopting-driver.ts';
import type { Driver } from '../../src/stores/driver.ts';
import { addKey, type Move, raceOften } from './move-race.ts';

const adopt =
  (isMoving: boolean) =>
  (from: Driver, to: Driver): Driver =>
    new AdoptingDriver({ from, to }, () => isMoving);

// A change at the very moment at which another process moves the session may be made twice.
const move: Move = { phases: [(from) => from, adopt(false), adopt(true), adopt(true)], change: addKey };

test('processes that adopt sessions lose none, bring none back, and keep what was acknowledged', async () => {
  await raceOften(move, async (race) => {
    const driver = adopt(true)(race.from.connect(), race.to.connect());
    for (const key of race.accounts.keys()) await driver.read(key);
  });
});
