import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { finish, type Result, repository, Sandbox } from '../support/sandbox.ts';

/** Runs the check on a repository with this one file. */
async function check(name: string, content: string): Promise<Result> {
  const sandbox = new Sandbox();
  const run = (file: string, ...args: string[]) => finish(sandbox.spawn(file, args, { cwd: sandbox.directory }));
  await writeFile(sandbox.path(name), content);
  await run('git', 'init', '--quiet');
  await run('git', 'add', '.');
  return run(process.execPath, join(repository, 'scripts', 'words.js'));
}

test.each([
  ["throw new UserError(`'${port}' is no port.`)", 'is no'],
  ['The server starts anew.', 'anew'],
  ['// Whoever waits for it waits for ever.', 'Whoever'],
  ['// Who cannot find out sets none.', '// Who'],
  ['/** What a command asks of a store. */', '/** What'],
  ['It ends. What it printed says why.', '. What'],
  ['the one that is newest', 'the one that'],
  ['the end of it', 'of it'],
  ['random as far as can be seen', 'as far as can be'],
  ['a secret made of chance', 'made of chance'],
  ['What the tests say of the store', 'say of'],
  ['let it be a file', 'let it be'],
  ['The server sends an answer.', 'answer'],
  ['const lastAnswer = 1;', 'Answer'],
])('is found with its line: %s', async (line, phrase) => {
  const { exitCode, stderr } = await check('file.ts', `\n${line}\n`);
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`file.ts:2: '${phrase}' -> `);
});

test('plain sentences pass', async () => {
  const lines = [
    '// There is no such file, and this one is no longer needed because of it.',
    '## What sessapp promises',
    '// Which is newest? What does it hold? Who may read it?',
    'The server sends a response, one for each request.',
  ];
  expect(await check('file.md', lines.join('\n'))).toMatchObject({ exitCode: 0, stderr: '' });
});
