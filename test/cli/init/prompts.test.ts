import { mkdir, readdir } from 'node:fs/promises';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { readJson } from '../../support/files.ts';
import { Sandbox } from '../../support/sandbox.ts';
import { onTerminal, withoutTerminal } from '../../support/terminal.ts';

const onlyOnTerminal = test.skipIf(withoutTerminal !== '');
const questions = ['Which directory?', 'Which template?', 'Which store for the sessions?'] as const;
const [directory, template, store] = questions;

onlyOnTerminal.each([
  ['Enter accepts the suggestion', '\r', 'myenv', 'myenv'],
  ['a typed name is used unchanged', "my shop's\r", "my shop's", `'my shop'\\''s'`],
  ['spaces around the name are ignored', ' shop \r', 'shop', 'shop'],
])(
  `on a terminal without a directory, %s, and init prints the equivalent command${withoutTerminal}`,
  async (_, typed, name, word) => {
    const sandbox = new Sandbox();
    const replies: [string, string][] = [
      [directory, typed],
      [template, '\r'],
      [store, '\r'],
    ];
    const result = await onTerminal(sandbox, ['init', '--no-install', '--git'], replies);
    const screen = stripVTControlCharacters(result.stdout);
    expect(result.exitCode).toBe(0);
    const options = screen
      .split(`To do the same without questions: sessapp init ${word} `)[1]
      ?.split(/\r?\n/)[0]
      ?.replaceAll("'", '')
      .split(' ');
    expect(options?.sort()).toEqual(['--git', '--no-install', '--store', '--template', 'embedded', 'minimal']);
    expect(screen).toContain('Made the environment');
    expect(await readdir(sandbox.directory)).toEqual([name]);
    expect(await readJson(sandbox.path(name, 'sessapp.json'))).toMatchObject({
      template: 'minimal',
      store: 'embedded',
    });
  },
);

onlyOnTerminal.each([
  ['~', '/home/me'],
  ['~/shop', '/home/me/shop'],
])(`the reply %s is refused at the prompt, because no shell expands it${withoutTerminal}`, async (typed, full) => {
  const sandbox = new Sandbox();
  const replies: [string, string][] = [
    [directory, `${typed}\r`],
    ['Type the full path', '\x03'],
  ];
  const result = await onTerminal(sandbox, ['init', '--no-install'], replies, { HOME: '/home/me' });
  expect(result.exitCode).toBe(130);
  expect(stripVTControlCharacters(result.stdout).replace(/\s+/g, ' ')).toContain(`Type the full path: ${full}.`);
  expect(await readdir(sandbox.directory)).toEqual([]);
});

onlyOnTerminal(
  `an invalid address is refused at the prompt, and a free name is suggested${withoutTerminal}`,
  async () => {
    const sandbox = new Sandbox();
    await mkdir(sandbox.path('myenv'));
    const args = ['init', '--no-install', '--template', 'minimal', '--store', 'redis'];
    const result = await onTerminal(sandbox, args, [
      [directory, '\r'],
      ['What is its address?', 'localhost\r'],
      ['The address is not valid', '\x15redis://localhost:7001\r'],
    ]);
    expect(result.exitCode).toBe(0);
    expect((await readdir(sandbox.directory)).sort()).toEqual(['myenv', 'myenv-2']);
  },
);

onlyOnTerminal(`init asks no question about options on the command line${withoutTerminal}`, async () => {
  const sandbox = new Sandbox();
  const args = ['init', '--no-install', '--template', 'minimal', '--store', 'embedded'];
  const result = await onTerminal(sandbox, args, [[directory, '\r']]);
  expect(result.exitCode).toBe(0);
  expect(result.stdout).not.toMatch(new RegExp(`${template.replace('?', '.')}|${store.replace('?', '.')}`));
});

const keys: [name: string, key: string][] = [
  ['Ctrl-C', '\x03'],
  ['Ctrl-D', '\x04'],
];

onlyOnTerminal.each(questions.flatMap((question) => keys.map((key) => [...key, question] as const)))(
  `%s (%j) at "%s" ends init with exit code 130, and leaves nothing${withoutTerminal}`,
  async (_, key, last) => {
    const sandbox = new Sandbox();
    const asked = questions.slice(0, questions.indexOf(last) + 1);
    const replies = asked.map((question): [string, string] => [question, question === last ? key : '\r']);
    const result = await onTerminal(sandbox, ['init', '--no-install'], replies);
    expect(result.exitCode).toBe(130);
    expect(result.stdout).toContain('Interrupted by SIGINT.');
    expect(await readdir(sandbox.directory)).toEqual([]);
  },
);

onlyOnTerminal(`with CI set, init asks nothing, even on a terminal${withoutTerminal}`, async () => {
  const sandbox = new Sandbox();
  const result = await onTerminal(sandbox, ['init'], [], { CI: 'true' });
  expect(result).toMatchObject({ exitCode: 2, stdout: expect.stringContaining('No directory given.') });
});

onlyOnTerminal(
  `a terminal shows a spinner during the installation, and Ctrl-C then leaves nothing${withoutTerminal}`,
  async () => {
    const sandbox = new Sandbox();
    const env = { SESSAPP_CACHE_DIR: sandbox.path('cache') };
    await mkdir(sandbox.path('work'));
    const result = await onTerminal(sandbox, ['init', 'work/myenv'], [['⠹', '\x03']], env);
    expect(result.exitCode).toBe(130);
    expect(result.stdout).toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] Installing dependencies …/);
    expect(await readdir(sandbox.path('work'))).toEqual([]);
  },
);
