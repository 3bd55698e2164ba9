import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { walkMove } from '../../src/cli/migrate/store-move.ts';
import { MigratingDriver } from '../../src/migration/migrating-driver.ts';
import { type Move, type Race, raceOften } from '../stores/move-race.ts';

const move: Move = {
  phases: [
    (from) => from,
    (from, to) => new MigratingDriver(from, to, 'prepare'),
    (from, to) => new MigratingDriver(from, to, 'move'),
    (_, to) => to,
  ],
  finish: copy,
};

/** False: the process that moves the sessions died. */
async function copy(race: Race): Promise<boolean> {
  let calls = race.random() < 0.7 ? Math.floor(race.random() * 60) : Number.POSITIVE_INFINITY;
  const isAlive = (): boolean => calls-- > 0;
  const driver = new MigratingDriver(race.from.connect(isAlive), race.to.connect(isAlive), 'move');
  const all = async (): Promise<boolean> => {
    await count(driver, 'copy');
    if ((await count(driver, 'verify')) > 0) race.faults.push('a copied record differs');
    while ((await count(driver, 'clear')) > 0);
    return true;
  };
  let isDone = false;
  const copying = all().finally(() => {
    isDone = true;
  });
  while (calls > 0 && !isDone) await turn();
  return isDone && copying;
}

async function count(driver: MigratingDriver, step: 'copy' | 'verify' | 'clear'): Promise<number> {
  let sum = 0;
  for await (const { changed } of walkMove(driver, step)) sum += changed;
  return sum;
}

test('in any order of events, no session or acknowledged change is lost, and no destroyed session comes back', async () => {
  await raceOften(move, async (race, seed) => {
    expect([...race.from.records.keys()], `seed ${seed}`).toEqual([]);
  });
});
