import { mkdir, readdir } from 'node:fs/promises';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { readJson } from '../../support/files.ts';
import { Sandbox } from '../../support/sandbox.ts';
import { onTerminal, withoutTerminal } from '../../support/terminal.ts';

const onlyOnTerminal = test.skipIf(withoutTerminal !== '');
const questions = ['Which directory?', 'Which template?', 'Where shall sessions live?'] as const;
const [directory, template, store] = questions;

onlyOnTerminal.each([
  ['Enter alone takes what is proposed', '\r', 'myenv', 'myenv'],
  ['a name that is typed is taken as it is', "my shop's\r", "my shop's", `'my shop'\\''s'`],
  ['spaces around it do not count', ' shop \r', 'shop', 'shop'],
])(
  `on a terminal without a directory, %s, and the same as a command is printed${withoutTerminal}`,
  async (_, typed, name, word) => {
    const sandbox = new Sandbox();
    const answers: [string, string][] = [
      [directory, typed],
      [template, '\r'],
      [store, '\r'],
    ];
    const result = await onTerminal(sandbox, ['init', '--no-install', '--git'], answers);
    const screen = stripVTControlCharacters(result.stdout);
    expect(result.exitCode).toBe(0);
    const options = screen
      .split(`The same again: sessapp init ${word} `)[1]
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
])(
  `%s in the answer, which no shell has expanded, is refused at the question${withoutTerminal}`,
  async (typed, full) => {
    const sandbox = new Sandbox();
    const answers: [string, string][] = [
      [directory, `${typed}\r`],
      ['Name it in full', '\x03'],
    ];
    const result = await onTerminal(sandbox, ['init', '--no-install'], answers, { HOME: '/home/me' });
    expect(result.exitCode).toBe(130);
    expect(stripVTControlCharacters(result.stdout).replace(/\s+/g, ' ')).toContain(`Name it in full: ${full},`);
    expect(await readdir(sandbox.directory)).toEqual([]);
  },
);

onlyOnTerminal(
  `an address that is not one is refused at the question, and a free name is proposed${withoutTerminal}`,
  async () => {
    const sandbox = new Sandbox();
    await mkdir(sandbox.path('myenv'));
    const args = ['init', '--no-install', '--template', 'minimal', '--store', 'redis'];
    const result = await onTerminal(sandbox, args, [
      [directory, '\r'],
      ['Where is it?', 'localhost\r'],
      ['That is no address', '\x15redis://localhost:7001\r'],
    ]);
    expect(result.exitCode).toBe(0);
    expect((await readdir(sandbox.directory)).sort()).toEqual(['myenv', 'myenv-2']);
  },
);

onlyOnTerminal(`what the command line says is not asked${withoutTerminal}`, async () => {
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
  `%s (%j) at "%s" ends with 130 and leaves nothing${withoutTerminal}`,
  async (_, key, last) => {
    const sandbox = new Sandbox();
    const asked = questions.slice(0, questions.indexOf(last) + 1);
    const answers = asked.map((question): [string, string] => [question, question === last ? key : '\r']);
    const result = await onTerminal(sandbox, ['init', '--no-install'], answers);
    expect(result.exitCode).toBe(130);
    expect(result.stdout).toContain('Interrupted by SIGINT.');
    expect(await readdir(sandbox.directory)).toEqual([]);
  },
);

onlyOnTerminal(`with CI set nothing is asked, on a terminal either${withoutTerminal}`, async () => {
  const sandbox = new Sandbox();
  const result = await onTerminal(sandbox, ['init'], [], { CI: 'true' });
  expect(result).toMatchObject({ exitCode: 2, stdout: expect.stringContaining('No directory given.') });
});

onlyOnTerminal(
  `a terminal sees a spinner while dependencies install, and Ctrl-C there leaves nothing${withoutTerminal}`,
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
