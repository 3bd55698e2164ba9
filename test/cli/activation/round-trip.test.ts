import { existsSync, renameSync, symlinkSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import {
  activateVirtualenv,
  type Context,
  describeEachShell,
  dump,
  leaveByOurName,
  makeContext,
  onlyWithPython,
  runCase,
  sourceLine,
} from './case.ts';
import { makeEnvironment, readShellLayer, removeDirectory, scriptOf } from './environments.ts';
import type { TestedShell } from './tested-shells.ts';

/** Names that break a script with a quoting mistake. */
const hostileNames = [
  'a b',
  "it's",
  'say "so"',
  '$(touch pwned)',
  '`touch pwned`',
  '$HOME ${HOME}',
  'semi;touch pwned;colon',
  'and&touch pwned&',
  '-n',
  '!! !$ wow!',
  '100% %~ %n',
  'back\\slash\\n\\',
  '[a-z]* ? {x,y}',
  '~ #hash <in >out |pipe',
  '=ls (paren)',
  '^caret^ @at',
  '🌊 emoji',
  '환경',
];

/** fish loses a newline at the end of a text. csh supports no newlines. */
const newlineNames: Record<string, string> = { posix: 'new\nline\n', fish: 'new\nline' };

/** A way to activate an environment. One deactivate must then restore exactly the state before. */
interface RoundTrip {
  title: string;
  /** Commands before activation. `word` quotes. */
  before?: (context: Context) => string[];
  /** The commands that activate the environment. */
  activate?: (context: Context) => string[];
  /** The command that deactivates, where it is not `deactivate`. */
  leave?: (shell: TestedShell) => string;
  appliesTo?: (shell: TestedShell) => boolean;
  /** The programs that are needed but not installed. Empty when all are. */
  missing?: string;
  hasPrompt?: boolean;
}

const isPosix = (shell: TestedShell): boolean => shell.family === 'posix';

const roundTrips: RoundTrip[] = [
  { title: 'once' },
  { title: 'twice in a row', activate: ({ activate }) => [activate(), activate()] },
  {
    title: 'from another environment',
    activate: ({ activate, directory }) => [activate(makeEnvironment(join(directory, 'other'))), activate()],
  },
  {
    title: 'with NODE_PATH exported',
    before: ({ shell, word }) => [shell.dialect.export('NODE_PATH', word("/a b:/c'd:$(touch pwned)"))],
  },
  {
    title: 'with NODE_PATH set but not exported',
    before: ({ shell, word }) => [shell.dialect.assign?.('NODE_PATH', word("/a b:/c'd:$(touch pwned)")) ?? ''],
    appliesTo: ({ dialect }) => dialect.assign !== undefined,
  },
  {
    title: 'without a prompt, as in a script',
    before: () => ['unset PS1'],
    appliesTo: isPosix,
    hasPrompt: false,
  },
  {
    title: 'with SESSAPP_DISABLE_PROMPT',
    before: ({ shell, word }) => [shell.dialect.export('SESSAPP_DISABLE_PROMPT', word('1'))],
    hasPrompt: false,
  },
  {
    title: 'in a child of an activated shell, which inherits its variables but not its functions',
    before: ({ shell, word }) => [
      shell.dialect.export('SESSAPP_ENV', word('/some where')),
      shell.dialect.export('SESSAPP_PROMPT', word('else $(touch pwned)')),
    ],
  },
  {
    title: 'with an existing deactivate function',
    before: ({ shell, word }) => [shell.dialect.define('deactivate', word('not "ours", it\'s $HOME'))],
    leave: leaveByOurName,
  },
  {
    title: 'with an alias called deactivate',
    before: () => ['alias deactivate=\'echo "not" ours; :\''],
    appliesTo: isPosix,
    leave: () => 'sessapp_deactivate',
  },
  {
    title: 'inside a Python virtualenv',
    before: ({ shell }) => [activateVirtualenv(shell)],
    leave: leaveByOurName,
    missing: onlyWithPython,
  },
  {
    title: 'by a relative path',
    before: ({ directory, word }) => [`cd ${word(directory)}`],
    activate: (context) => [sourceLine(context, relative(context.directory, context.environment))],
  },
  {
    title: 'from its own bin',
    before: ({ environment, word }) => [`cd ${word(join(environment, 'bin'))}`],
    activate: (context) => [sourceLine(context, '..', '.')],
  },
  {
    title: 'through a link to the script',
    activate: (context) => {
      const link = join(context.directory, 'link');
      symlinkSync(join(context.environment, 'bin', scriptOf(context.shell.family)), link);
      return [readShellLayer(context.shell.family).activate.replace('{script}', () => context.word(link))];
    },
  },
  {
    title: 'after the environment was moved',
    activate: (context) => {
      const old = makeEnvironment(join(context.directory, 'old place'));
      removeDirectory(context.environment);
      renameSync(old, context.environment);
      return [context.activate()];
    },
  },
  {
    title: 'with a function called cd and CDPATH set',
    before: ({ shell, word }) => [
      shell.dialect.export('CDPATH', word('/:/tmp')),
      ...(shell.family === 'csh' ? [] : [shell.dialect.define('cd', word('not a cd'))]),
    ],
  },
  {
    title: 'without globbing and with noclobber',
    before: () => ['set -f -C'],
    appliesTo: isPosix,
  },
];

describeEachShell((shell) => {
  const newlineName = newlineNames[shell.family];
  const names = newlineName === undefined ? hostileNames : [...hostileNames, newlineName];

  test.concurrent.each(names.map((name) => [name]))(
    'activate and deactivate work in a directory called %j',
    async (name) => {
      await verifyRoundTrip(shell, { title: '' }, name);
    },
  );

  test.concurrent.for(roundTrips.filter(({ appliesTo }) => appliesTo?.(shell) ?? true))(
    'deactivate restores the state before activation: $title',
    async (trip, { skip }) => {
      skip(Boolean(trip.missing), trip.missing);
      await verifyRoundTrip(shell, trip, 'my env');
    },
  );
});

async function verifyRoundTrip(shell: TestedShell, trip: RoundTrip, name: string): Promise<void> {
  const context = makeContext(shell, name);
  const { dumps, stderr, exitCode } = await runCase(context, [
    ...(trip.hasPrompt === false ? [] : [shell.dialect.prompt(context.word("orig's> "))]),
    ...(trip.before?.(context) ?? []),
    dump(shell, 'before'),
    ...(trip.activate?.(context) ?? [context.activate()]),
    dump(shell, 'active'),
    trip.leave?.(shell) ?? 'deactivate',
    dump(shell, 'after'),
  ]);
  expect({ exitCode, stderr: stderr.replace(/^sessapp: A function named deactivate already exists.*\n/, '') }).toEqual({
    exitCode: 0,
    stderr: '',
  });
  const [before, active, after] = [dumps('before'), dumps('active'), dumps('after')];
  expect(after).toEqual(before);
  const { environment } = context;
  const { NODE_PATH: _, PS1: __, ...rest } = before.env;
  // A Python virtualenv exports the prompt.
  const { PS1: ___, ...seen } = active.env;
  expect(seen).toEqual({
    ...rest,
    SESSAPP_ENV: environment,
    SESSAPP_PROMPT: basename(environment).replace(/\n/g, '?'),
    PATH: `${environment}/bin:${environment}/node_modules/.bin:${before.env.PATH}`,
  });
  const added = active.names.filter((variable) => !before.names.includes(variable));
  expect(added.filter((variable) => !/^_?SESSAPP_[A-Z]/.test(variable))).toEqual([]);
  expect(existsSync(join(context.directory, 'pwned'))).toBe(false);
}
