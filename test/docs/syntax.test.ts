import { expect, test } from 'vitest';
import { openPage } from '../support/docs.ts';
import { finish, Sandbox } from '../support/sandbox.ts';

const readme = openPage('README.md', import.meta.filename);
const library = openPage('docs/library.md', import.meta.filename);

/** Blocks that no test runs as they are, and why: they are only parsed. */
const parsed = [
  { block: readme.takeAll('sessapp', 'sh')[1], why: 'it runs these very tests; .ci/run runs it' },
  {
    block: library.take('Install', 'sh'),
    why: 'the registry has no sessapp yet; test/slow/docs-uninstall.test.ts packs it',
  },
  { block: library.take('TypeScript', 'sh'), why: 'test/docs/library.test.ts compiles with these packages' },
];

test.each(parsed)('a block that is not run is valid: $why', async ({ block }) => {
  const result = await finish(new Sandbox().spawn('sh', ['-n', '-c', block?.code ?? 'fi']));
  expect(result).toEqual({ exitCode: 0, signal: null, stdout: '', stderr: '' });
});
