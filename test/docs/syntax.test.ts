import { expect, test } from 'vitest';
import { type Block, openPage, type Page } from '../support/docs.ts';
import { finish, Sandbox } from '../support/sandbox.ts';

/** Blocks that no test runs as they are, and why: they are only parsed. */
const library = openPage('docs/library.md', import.meta.filename);
const parsed: [page: Page, heading: string, why: string][] = [
  [library, 'Install', 'the registry has no sessapp yet; test/slow/package.test.ts installs the packed file'],
  [library, 'TypeScript', 'npm installs from the network; the types are those of this repository'],
];

test('blocks that cannot be run here are valid commands', async () => {
  const taken = parsed.map(([page, heading]) => page.take(heading, 'sh'));
  for (const block of taken) expect(await parse(block)).toEqual({ exitCode: 0, signal: null, stdout: '', stderr: '' });
});

function parse({ code }: Block): ReturnType<typeof finish> {
  return finish(new Sandbox().spawn('bash', ['-n', '-c', code]));
}
