import { expect, test } from 'vitest';
import { tally } from '../../../src/cli/admin/store-tally.ts';
import { type Given, hourMs, keyOf, record } from '../../support/records.ts';

const nowMs = Date.now();

const count = (records: Given[]) =>
  tally(
    {
      list: async function* () {
        for (const given of records) yield { key: keyOf(0), version: 1, ...record(given) };
      },
    },
    nowMs,
  );

const data = '{}';

test('counts live, anonymous, expired and damaged sessions', async () => {
  const records = [
    { data, owner: 'ann', keyId: 'k1', createdAtMs: nowMs - 2, expiresAtMs: nowMs + 1 },
    { data, owner: 'ann', keyId: 'k2', createdAtMs: nowMs - 3, expiresAtMs: nowMs + 3 },
    { data, createdAtMs: nowMs - 1, expiresAtMs: nowMs + 2 },
    { data, createdAtMs: nowMs - hourMs, expiresAtMs: nowMs },
    { data, expiresAtMs: Number.NaN },
  ];
  expect(await count(records)).toEqual({
    live: 3,
    created: 0,
    expired: 1,
    damaged: 1,
    anonymous: 1,
    bytes: 3 * data.length,
    oldestAtMs: nowMs - 3,
    lastExpiryAtMs: nowMs + 3,
    bySecretId: { k1: 1, k2: 1, '': 1 },
  });
});

test('without live sessions there are no times', async () => {
  const { oldestAtMs, lastExpiryAtMs, ...counts } = await count([{ expiresAtMs: nowMs }]);
  expect([oldestAtMs, lastExpiryAtMs]).toEqual([undefined, undefined]);
  expect(counts).toMatchObject({ live: 0, expired: 1, bySecretId: {} });
});
