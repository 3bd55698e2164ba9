import { join } from 'node:path';
import { defineConfig, type Plugin } from 'vitest/config';

const templates = join(import.meta.dirname, 'templates');

/** In an environment the server's files and the session layer lie side by side, as `rootDirs` tells TypeScript. */
const layers: Plugin = {
  name: 'layers',
  resolveId: (source, importer) =>
    source.startsWith('../session/') && importer?.startsWith(join(templates, 'base'))
      ? join(templates, source.slice(3))
      : undefined,
};

export default defineConfig({
  plugins: [layers],
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/slow/**'],
    reporters: ['default', './test/support/totals.ts'],
    globalSetup: ['test/support/build.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Tests wait for other processes more than they compute.
    maxWorkers: 3,
  },
});
