import { test } from 'vitest';
import { seed } from './check.ts';
import { properties } from './properties.ts';

test.each(properties)('%s', async (_, check, share) => {
  console.log(`FUZZ_SEED=${seed}`);
  await check(share);
});
