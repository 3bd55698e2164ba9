import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { notInstalled } from '../../support/programs.ts';
import {
  activateTemplates,
  appendLine,
  cleanEnvironment,
  makeDirectory,
  quoteWord,
  readShellLayer,
  removeDirectory,
  run,
  unsetLine,
} from './environments.ts';
import { testedShells } from './tested-shells.ts';

const hostileWords = [
  'plain',
  '',
  ' a  b ',
  "'",
  "''it's'' '",
  '"so"',
  '\\',
  "\\'\\\\'",
  'ends in \\',
  '\\n \\t \\!',
  '$HOME ${HOME} $(echo x) `echo x`',
  '! !! !$ wow!',
  '; & | < > ( ) { } [a-z]* ?',
  '~ #not =ls -n %n ^a^b',
  'new\nline',
  '‘curly’ ‚single‛',
  '🌊 환경',
];

for (const { name, family, args } of testedShells) {
  const missing = notInstalled(name);
  describe.skipIf(missing !== '')(`${name}${missing}`, () => {
    test('reads every quoted word as exactly that word', async () => {
      const directory = makeDirectory();
      const layer = readShellLayer(family);
      const program = hostileWords.map((word) => `printf '%s\\0' ${quoteWord(layer, word)}`).join('\n');
      const { stdout } = await run(name, [...args, '-c', program], directory, cleanEnvironment(directory));
      removeDirectory(directory);
      expect(stdout.split('\0').slice(0, -1)).toEqual(hostileWords);
    });

    test('the commands that doctor prints append a line to a file and unset a variable', async () => {
      const directory = makeDirectory();
      const path = join(directory, "it's $x; file");
      writeFileSync(path, 'first\n');
      const lines = [appendLine(family, 'A=b', path), unsetLine(family, 'NODE_PATH'), 'env'];
      const env = { ...cleanEnvironment(directory), NODE_PATH: '/x', OTHER: '/y' };
      const { stdout } = await run(name, [...args, '-c', lines.join('\n')], directory, env);
      const content = readFileSync(path, 'utf8');
      removeDirectory(directory);
      expect(content).toBe('first\nA=b\n');
      expect(stdout).toMatch(/^OTHER=/m);
      expect(stdout).not.toMatch(/^NODE_PATH=/m);
    });
  });
}

// These shells are not available here. The expectations follow their manuals.
describe('without the shell', () => {
  test.each([
    ['nu', 'a "b" \\ $c', '"a \\"b\\" \\\\ $c"'],
    ['powershell', "it's $x `y", "'it''s $x `y'"],
    // PowerShell treats typographic quotes as straight ones.
    ['powershell', '‘a’ ‚b‛', "'‘‘a’’ ‚‚b‛‛'"],
    // At its prompt, cmd expands %…%, unless a caret outside the quotes breaks it up.
    ['batch', '100% a&b', '"100"^%" a&b"'],
  ])('in %s the word %s is written as %s', (family, word, quoted) => {
    expect(quoteWord(readShellLayer(family), word)).toBe(quoted);
  });
});

describe('the shells', () => {
  const layers = readdirSync(activateTemplates).map(readShellLayer);

  test('each program name belongs to exactly one family', () => {
    const names = layers.flatMap((layer) => layer.names);
    expect(names.length).toBe(new Set(names).size);
  });

  test.each(testedShells)('the family of $name lists its program name', ({ name, family }) => {
    expect(readShellLayer(family).names).toContain(name);
  });

  test.each(layers)('in $activate, the script is a single word', ({ activate }) => {
    expect(activate.split(' ')).toContain('{script}');
  });
});
