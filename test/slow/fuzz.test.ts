import { test } from 'vitest';
import { seed } from '../fuzz/check.ts';
import { properties } from '../fuzz/properties.ts';

test.each(properties)(
  '%s, ten thousand times',
  async (_, check) => {
    console.log(`FUZZ_SEED=${seed}`);
    await check(10_000);
  },
  1_800_000,
);
