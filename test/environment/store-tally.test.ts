import { expect, test } from 'vitest';
import { tally } from '../../src/cli/admin/store-tally.ts';
import { type Given, keyOf, record } from '../support/records.ts';

const count = (records: Iterable<Given>) =>
  tally(
    {
      list: async function* () {
        for (const given of records) yield { key: keyOf(0), version: 1, ...record(given) };
      },
    },
    Date.now(),
  );

test('counts by owner, most first', async () => {
  const owners = ['ann', 'bob', 'bob', 'cid', 'dan', 'eve', 'fay', undefined];
  const { topOwners, anonymous, isTopOwnersApproximate } = await count(
    owners.map((owner) => ({ ...(owner && { owner }) })),
  );
  expect(topOwners.map(({ owner, sessions }) => `${owner} ${sessions}`)).toEqual([
    'bob 2',
    'ann 1',
    'cid 1',
    'dan 1',
    'eve 1',
  ]);
  expect({ anonymous, isTopOwnersApproximate }).toEqual({ anonymous: 1, isTopOwnersApproximate: false });
});

test('with more owners than it counts, who has many is found, and it says that it is not exact', async () => {
  function* many(): Generator<Given> {
    for (let n = 0; n < 25_000; n += 1) {
      yield { owner: `user ${n}` };
      if (n % 50 === 0) yield { owner: 'robot' };
    }
  }
  const { live, topOwners, isTopOwnersApproximate } = await count(many());
  expect({ live, isTopOwnersApproximate }).toEqual({ live: 25_500, isTopOwnersApproximate: true });
  expect(topOwners[0]?.owner).toBe('robot');
  expect(topOwners[0]?.sessions).toBeGreaterThan(400);
  expect(topOwners[0]?.sessions).toBeLessThanOrEqual(500);
});
