import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from '../../src/cli/command-line.ts';
import { listCommands } from '../../src/cli/commands/index.ts';
import { listPages } from '../support/docs.ts';
import { fakeSystem } from '../support/in-process.ts';
import { repository, Sandbox } from '../support/sandbox.ts';

/** Commands of sessapp in the text and the tables of a page. */
function readCommands(page: string): string[] {
  const text = readFileSync(join(repository, page), 'utf8').replace(/^ *```[\s\S]*?^ *```$/gm, '');
  return [...text.matchAll(/`(?:npx )?sessapp ([^`]+)`/g)].map(([, command = '']) => command);
}

/** `secret list\|rotate [dir]` are `secret list dir` and `secret rotate dir`. `…` stands for any word. */
function expand(command: string): string[][] {
  const words = command.replace(/[[\]]/g, '').split(' ');
  const at = words.findIndex((word) => word.includes('\\|'));
  if (at === -1) return [words];
  return (words[at]?.split('\\|') ?? []).map((word) => words.with(at, word));
}

/** A text may name a command, or a group of them, without the rest of the line. */
function isName(words: string[]): boolean {
  const name = words.filter((word) => word !== '…').join(' ');
  return listCommands().some((command) => command === name || command.startsWith(`${name} `));
}

test.each(listPages())('the commands in the text of %s exist, with their options', async (page) => {
  const { directory } = new Sandbox();
  for (const words of readCommands(page).flatMap(expand)) {
    if (isName(words) || /^(--|<)/.test(words[0] ?? '')) continue;
    const failure = await parse(words, fakeSystem(() => directory).system).then(
      () => undefined,
      (error: Error) => error.message,
    );
    expect(failure, `sessapp ${words.join(' ')}`).toBeUndefined();
  }
});
