import { expect, test } from 'vitest';
import { folderOf, installEcosystem, libraries, runInstalled } from '../support/ecosystem.ts';

installEcosystem();

test.each(libraries)("vitest runs an application's tests, which log in with supertest, with %s", async (library) => {
  const args = ['run', '--dir', folderOf(library), '--reporter', 'json'];
  const { stdout, stderr } = await runInstalled('vitest/vitest.mjs', ...args);
  expect(JSON.parse(stdout), stderr).toMatchObject({ numPassedTests: 1, numTotalTests: 1 });
  expect(stderr).not.toContain('sessapp:');
});

test('TypeScript compiles code for @types/express-session, with each import', async () => {
  const options = ['--noEmit', '--strict', '--noImplicitOverride', '--exactOptionalPropertyTypes', '--skipLibCheck'];
  const environment = ['--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
  const files = libraries.map((library) => `${folderOf(library)}/typescript.ts`);
  const compiled = await runInstalled('typescript/bin/tsc', ...options, ...environment, ...files);
  expect(compiled).toMatchObject({ exitCode: 0, stdout: '' });
});
