import { mkdir, readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { readJson, sha256 } from '../support/files.ts';
import { Sandbox } from '../support/sandbox.ts';

const eight = Array.from({ length: 8 }, (_, index) => index);

async function arrange(isThere: boolean): Promise<Sandbox> {
  const sandbox = new Sandbox();
  if (isThere) await mkdir(sandbox.path('myenv'));
  return sandbox;
}

/** Verifies that all files match the marker, and that there are no others. */
async function verifyWhole(sandbox: Sandbox): Promise<void> {
  const { files } = await readJson<{ files: Record<string, string> }>(sandbox.path('myenv', 'sessapp.json'));
  for (const [path, hash] of Object.entries(files)) {
    expect([path, sha256(await readFile(sandbox.path('myenv', path)))]).toEqual([path, hash]);
  }
  const top = new Set(Object.keys(files).map((path) => path.split('/')[0]));
  expect((await readdir(sandbox.path('myenv'))).sort()).toEqual([...top, '.env', 'sessapp.json'].sort());
  expect(await readdir(sandbox.directory)).toEqual(['myenv']);
}

test.each([
  ['a missing target', false],
  ['an empty directory', true],
])('of eight concurrent inits on %s one makes the environment, and seven find it', async (_, isThere) => {
  const sandbox = await arrange(isThere);
  const results = await Promise.all(eight.map(() => sandbox.sessapp(['init', 'myenv', '--no-install', '--json'])));
  expect(results.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual(eight.map(() => [0, '']));
  const statuses = results.map(({ stdout }) => (JSON.parse(stdout) as { status: string }).status);
  expect(statuses.sort()).toEqual(['created', ...eight.slice(1).map(() => 'unchanged')]);
  await verifyWhole(sandbox);
});

test.each([
  ['a missing target', false],
  ['an empty directory', true],
])(
  'of eight concurrent inits on %s with different prompts one makes the environment, and the others name its prompt',
  async (_, isThere) => {
    const sandbox = await arrange(isThere);
    const results = await Promise.all(
      eight.map((index) => sandbox.sessapp(['init', 'myenv', '--no-install', '--json', '--prompt', `p${index}`])),
    );
    const winners = eight.filter((index) => results[index]?.exitCode === 0);
    expect(winners).toHaveLength(1);
    const failures = results
      .filter(({ exitCode }) => exitCode !== 0)
      .map(({ exitCode, stdout }) => {
        const { error } = JSON.parse(stdout) as { error: { code: string; message: string } };
        return [exitCode, error.code, error.message.includes(`with the prompt p${winners[0]}`)];
      });
    expect(failures).toEqual(eight.slice(1).map(() => [1, 'exists', true]));
    await verifyWhole(sandbox);
    expect(await readFile(sandbox.path('myenv', 'bin', 'prompt.txt'), 'utf8')).toBe(`p${winners[0]}\n`);
  },
);
