import { defineConfig } from 'vitest/config';

// The suites that take minutes: `npm run slow -- <name>`.
export default defineConfig({
  test: {
    include: ['test/slow/*.test.ts'],
    reporters: ['default', './test/support/totals.ts'],
    globalSetup: ['test/support/build.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // Most wait for processes, servers and deadlines.
    maxWorkers: 2,
  },
});
