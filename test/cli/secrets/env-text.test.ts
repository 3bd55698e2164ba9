import { parseEnv } from 'node:util';
import { describe, expect, test } from 'vitest';
import { changeSecrets, secretsIn } from '../../../src/cli/secrets/env-text.ts';
import { secretIdOf } from '../../../src/settings/secrets.ts';

const nowMs = Date.UTC(2026, 0, 31, 12);
const birth = `# secret ${secretIdOf('NEW')} since 2026-01-31T12:00:00.000Z`;

function add(text: string): string | undefined {
  return changeSecrets(text, { add: { secret: 'NEW', nowMs }, keeps: (secret) => !secret.startsWith('bad') });
}

function drop(text: string, secret: string): string | undefined {
  return changeSecrets(text, { keeps: (kept) => kept !== secret });
}

describe('a new secret is put in front, and everything else stays as it is:', () => {
  test.each<[string, string, string]>([
    ['one line', 'SESSION_SECRET=a\n', `${birth}\nSESSION_SECRET=NEW,a\n`],
    ['no line ending at the end', 'SESSION_SECRET=a', `${birth}\nSESSION_SECRET=NEW,a`],
    ['several secrets', 'SESSION_SECRET=a, b ,c\n', `${birth}\nSESSION_SECRET=NEW,a, b ,c\n`],
    ['double quotes', 'SESSION_SECRET="a"\n', `${birth}\nSESSION_SECRET="NEW,a"\n`],
    ['single quotes and a comment', "SESSION_SECRET='a' # mine\n", `${birth}\nSESSION_SECRET='NEW,a' # mine\n`],
    ['backticks', 'SESSION_SECRET=`a`\n', `${birth}\nSESSION_SECRET=\`NEW,a\`\n`],
    ['quotes over several lines', 'SESSION_SECRET="a,\nb"\nB=1\n', `${birth}\nSESSION_SECRET="NEW,a,\nb"\nB=1\n`],
    ['a comment after the value', 'SESSION_SECRET=a # mine\n', `${birth}\nSESSION_SECRET=NEW,a # mine\n`],
    ['export and spaces', '  export SESSION_SECRET = a\n', `${birth}\n  export SESSION_SECRET = NEW,a\n`],
    ['CRLF', 'A=1\r\nSESSION_SECRET=a\r\nB=2\r\n', `A=1\r\n${birth}\r\nSESSION_SECRET=NEW,a\r\nB=2\r\n`],
    [
      'the last of several lines',
      'SESSION_SECRET=x\nSESSION_SECRET=a\n',
      `SESSION_SECRET=x\n${birth}\nSESSION_SECRET=NEW,a\n`,
    ],
    [
      'a comment that looks like it',
      '# SESSION_SECRET=x\nA=1\n',
      `# SESSION_SECRET=x\nA=1\n${birth}\nSESSION_SECRET=NEW\n`,
    ],
    [
      'a value that looks like it, before',
      'A="1\nSESSION_SECRET=x\n"\nSESSION_SECRET=a\n',
      `A="1\nSESSION_SECRET=x\n"\n${birth}\nSESSION_SECRET=NEW,a\n`,
    ],
    [
      'a value that looks like it, after',
      "SESSION_SECRET=a\nA='1\nSESSION_SECRET=x\n'\n",
      `${birth}\nSESSION_SECRET=NEW,a\nA='1\nSESSION_SECRET=x\n'\n`,
    ],
    [
      'a longer name',
      'MY_SESSION_SECRET=x\nSESSION_SECRETS=y\n',
      `MY_SESSION_SECRET=x\nSESSION_SECRETS=y\n${birth}\nSESSION_SECRET=NEW\n`,
    ],
    ['nothing', '', `${birth}\nSESSION_SECRET=NEW\n`],
    ['no secret, no line ending at the end', 'A=1', `A=1\n${birth}\nSESSION_SECRET=NEW\n`],
    ['no secret, CRLF', '# c\r\nA=1\r\n', `# c\r\nA=1\r\n${birth}\r\nSESSION_SECRET=NEW\r\n`],
    ['an empty value', 'SESSION_SECRET=\nA=1\n', `${birth}\nSESSION_SECRET=NEW\nA=1\n`],
    ['empty quotes', 'SESSION_SECRET=""\nA=1\n', `${birth}\nSESSION_SECRET="NEW"\nA=1\n`],
    ['only commas', 'SESSION_SECRET=,,\nA=1\n', `${birth}\nSESSION_SECRET=NEW\nA=1\n`],
    ['unusable secrets', 'SESSION_SECRET=bad1,a,bad2\n', `${birth}\nSESSION_SECRET=NEW,a\n`],
    ['only an unusable secret', "SESSION_SECRET='bad'\n", `${birth}\nSESSION_SECRET='NEW'\n`],
    ['a quote that is not closed', 'A=1\nSESSION_SECRET="a\n', `A=1\n${birth}\nSESSION_SECRET=NEW,"a\n`],
  ])('%s', (_, text, changed) => {
    expect(add(text)).toBe(changed);
    const { SESSION_SECRET: _old, ...rest } = parseEnv(text);
    expect(parseEnv(changed)).toEqual({ ...rest, SESSION_SECRET: expect.stringMatching(/^NEW/) });
  });
});

test.each([
  ['it begins with a byte order mark', '\uFEFFSESSION_SECRET=a\n'],
  ['export is followed by a tab', 'export\tSESSION_SECRET=a\n'],
  ['a # would start a comment', 'SESSION_SECRET="a#b\n'],
  ['a # that was between quotes would start a comment', 'A=1\nSESSION_SECRET=`a#b\nB=2\n'],
])('a text is not changed when %s', (_, text) => {
  expect(add(text)).toBeUndefined();
});

test('if this Node.js hides the secrets behind an invalid line, the text is not changed', () => {
  const text = 'what is this\nSESSION_SECRET=a\n';
  const isHidden = parseEnv(text).SESSION_SECRET === undefined;
  expect(add(text)).toBe(isHidden ? undefined : `what is this\n${birth}\nSESSION_SECRET=NEW,a\n`);
});

test.each<[string, string, string]>([
  ['the only old one', 'SESSION_SECRET=a,b\n', 'SESSION_SECRET=a\n'],
  [
    'one in the middle',
    "A=1\r\nexport SESSION_SECRET='a, b, c' # mine\r\n",
    "A=1\r\nexport SESSION_SECRET='a, c' # mine\r\n",
  ],
  ['a secret that is listed twice', 'SESSION_SECRET=a,b,c,b\n', 'SESSION_SECRET=a,c\n'],
  [
    'one whose age is known',
    `# mine\r\n# secret ${secretIdOf('b')} since 2026-01-31T12:00:00.000Z\r\n${birth}\r\nSESSION_SECRET=a,b\r\n`,
    `# mine\r\n${birth}\r\nSESSION_SECRET=a\r\n`,
  ],
])('removing a secret removes nothing else but the comment with its age: %s', (_, text, changed) => {
  expect(drop(text, 'b')).toBe(changed);
});

test('any text is changed as wanted, or not at all', () => {
  const parts = [
    'SESSION_SECRET',
    'A',
    'export ',
    '=',
    '=',
    '\n',
    '\n',
    '\r\n',
    '"',
    "'",
    '`',
    '#',
    ' ',
    '\t',
    ',',
    'x',
    'y',
    '\\n',
  ];
  const random = createRandom(1);
  let changes = 0;
  for (let round = 0; round < 20_000; round += 1) {
    const text = Array.from({ length: random(24) }, () => parts[random(parts.length)]).join('');
    const changed = add(text);
    if (changed === undefined) continue;
    changes += 1;
    const { SESSION_SECRET: _old, ...rest } = parseEnv(text);
    const { SESSION_SECRET: _new, ...kept } = parseEnv(changed);
    expect(kept, text).toEqual(rest);
    expect(secretsIn(changed), text).toEqual(['NEW', ...secretsIn(text)]);
    for (const line of text.split(/\r?\n/).filter((old) => !old.includes('SESSION_SECRET')))
      expect(changed.split(/\r?\n/), text).toContain(line);
  }
  expect(changes).toBeGreaterThan(3000);
});

/** Integers below a limit, the same in each run (a linear congruential generator). */
function createRandom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
