import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Declaration } from '../src/cli/command.ts';
import { listCommands, loadCommand } from '../src/cli/commands/index.ts';
import { checks } from '../src/cli/doctor/list.ts';
import { openPage, readBlocks } from './support/docs.ts';
import { repository } from './support/sandbox.ts';

const page = openPage('README.ko.md', import.meta.filename);

const read = (file: string): Promise<string> => readFile(join(repository, file), 'utf8');

/** The beginning of the first cell of each table row, such as `sessapp serve` or `--store`. */
function firstCells(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, name = '']) => name).sort();
}

/** `cache info\|clean` is two commands. */
function expand(cell: string): string[] {
  const [group = '', names] = cell.split(' ');
  return names?.split('\\|').map((name) => `${group} ${name}`) ?? [group];
}

function optionNames(options: Declaration[] = []): string[] {
  return options.map(([flags]) => /--[a-z-]+/.exec(flags)?.[0] ?? flags).sort();
}

test('docs/environments.md lists every option of init, and no other', async () => {
  const { options } = await loadCommand('init');
  expect(firstCells(await read('docs/environments.md'), /^\| `(--[a-z-]+)/gm)).toEqual(optionNames(options));
});

test('docs/environments.md describes --offline as its help does', async () => {
  const row = (await read('docs/environments.md')).split('\n').find((line) => line.startsWith('| `--offline`')) ?? '';
  for (const name of ['init', 'install']) {
    const { options = [] } = await loadCommand(name);
    const [, description = ''] = options.find(([flags]) => flags === '--offline') ?? [];
    expect(row.replace("'", '’')).toContain(description.replace('use', 'uses'));
  }
});

describe.each(['README.md', 'README.ko.md'])('%s', (file) => {
  test('lists every command, and no other', async () => {
    const listed = firstCells(await read(file), /^\| `sessapp ([a-z]+(?: [a-z]+(?:\\\|[a-z]+)*)?)/gm);
    expect(listed.flatMap(expand).sort()).toEqual(listCommands());
  });

  test('shows a [dir] where a command takes its environment as an operand; each command on an environment takes -e', async () => {
    const rows = (await read(file)).split('\n').filter((line) => line.startsWith('| `sessapp '));
    for (const row of rows) {
      const [cell = ''] = firstCells(row, /^\| `sessapp ([a-z]+(?: [a-z]+(?:\\\|[a-z]+)*)?)/g);
      for (const name of expand(cell)) {
        const { operands = [], options = [] } = await loadCommand(name);
        expect(
          operands.some(([syntax]) => syntax === '[dir]'),
          name,
        ).toBe(/^[^`]*`[^`]*\[dir\]`/.test(row));
        expect(
          options.some(([flags]) => flags.startsWith('-e,')),
          name,
        ).toBe(!/^(init|cache|completion|list$|remove)/.test(name));
      }
    }
    expect(await read(file)).toContain('`-e myenv`');
  });

  test('names the options of serve, logs and doctor as they are', async () => {
    const text = await read(file);
    for (const name of ['serve', 'logs', 'doctor']) {
      const row = text.split('\n').find((line) => line.startsWith(`| \`sessapp ${name} `)) ?? '';
      const { options } = await loadCommand(name);
      expect(firstCells(row, /`(--[a-z-]+)`/g)).toEqual(optionNames(options).filter((option) => option !== '--env'));
    }
  });

  test('has fewer than 200 lines', async () => {
    expect((await read(file)).split('\n').length).toBeLessThan(200);
  });

  test('has the two commands for a fresh clone near its top', async () => {
    const top = (await read(file)).split('\n').slice(0, 25).join('\n');
    expect(top).toContain('npm ci && npx sessapp init myenv --serve\n');
    expect(top).toContain('npm cit\n');
  });
});

test('the two READMEs have the same commands, settings and blocks', async () => {
  const [english, korean] = await Promise.all([read('README.md'), read('README.ko.md')]);
  const settings = /^\| `([A-Z_]+)`/gm;
  expect(firstCells(korean, settings)).toEqual(firstCells(english, settings));
  const shells = page.blocks.filter(({ language }) => language === 'sh').map(({ heading }) => page.take(heading, 'sh'));
  const others = readBlocks('README.md').filter(({ language }) => language === 'sh');
  expect(shells.map(({ code }) => code)).toEqual(others.map(({ code }) => code));
});

test('every variable of .env.example is in the README', async () => {
  const example = await read('templates/environment/.env.example');
  const names = firstCells(example, /^#?([A-Z_]+)=/gm).filter((name) => name !== 'STORE_URL');
  const readme = await read('README.md');
  expect(names.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
});

test('docs/doctor.md describes every check, in their order', async () => {
  const described = [...(await read('docs/doctor.md')).matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name);
  expect(described).toEqual(checks.map(({ name }) => name));
});

test('docs/upgrade.md lists which copy of sessapp runs each command', async () => {
  const rows = (await read('docs/upgrade.md')).matchAll(
    /^\| (`[a-z].*) \| the (environment's own copy|copy that you called) \|$/gm,
  );
  const listed = [...rows].flatMap(([, names = '', by]) =>
    firstCells(names, /`([a-z]+)/g).map((name) => `${name}: ${by}`),
  );
  const commands = listCommands().map(async (name) => {
    const { isHandedOver } = await loadCommand(name);
    return `${name.split(' ')[0]}: ${isHandedOver ? "environment's own copy" : 'copy that you called'}`;
  });
  expect(listed.sort()).toEqual([...new Set(await Promise.all(commands))].sort());
});

test('CONTRIBUTING names scripts that exist, and every slow suite', async () => {
  const contributing = await read('CONTRIBUTING.md');
  const { scripts } = JSON.parse(await read('package.json')) as { scripts: Record<string, string> };
  const named = firstCells(contributing, /`npm run ([a-z:]+)[^`]*`/g);
  expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  const suites = execFileSync(process.execPath, ['scripts/slow.js'], { cwd: repository, encoding: 'utf8' });
  expect(firstCells(contributing, /^\| `npm run slow -- ([a-z]+)`/gm)).toEqual(suites.trimEnd().split('\n'));
});

test('CONTRIBUTING names files that exist', async () => {
  const contributing = await read('CONTRIBUTING.md');
  const [, tree = ''] = /^```\n(bin[\s\S]*?)^```/m.exec(contributing) ?? [];
  const inTree = readTree(tree);
  expect(inTree).toEqual(expect.arrayContaining(['src/stores/redis/', 'src/cli/commands/', 'src/cli/main.ts']));
  const inText = [...contributing.matchAll(/`((?:bin|src|test|scripts)\/[\w./-]+)`/g)].map(([, path = '']) => path);
  expect([...inTree, ...inText].filter((path) => !existsSync(join(repository, path)))).toEqual([]);
});

/**
 * The paths of a drawn tree. Each level is indented by two spaces. A line may name several paths; two spaces separate
 * them from the description.
 */
function readTree(tree: string): string[] {
  const folders: string[] = [];
  return tree
    .trimEnd()
    .split('\n')
    .flatMap((line) => {
      const level = line.search(/\S/) / 2;
      const names = (line.trim().split('  ')[0] ?? '').split(' ');
      folders.splice(level, folders.length, names[0] ?? '');
      return names.map((name) => folders.slice(0, level).join('') + name);
    });
}

test('docs/compatibility.md lists the packages of test/ecosystem, with their versions', async () => {
  const [, section = ''] = (await read('docs/compatibility.md')).split('## Tested with');
  const listed = [...section.matchAll(/`([^`]+)` (\d+\.\d+\.\d+)/g)].map(([, name, version]) => `${name}@${version}`);
  const { dependencies } = JSON.parse(await read('test/ecosystem/package.json')) as {
    dependencies: Record<string, string>;
  };
  const installed = Object.entries(dependencies).map(
    ([name, version]) => /^npm:(.*)/.exec(version)?.[1] ?? `${name}@${version}`,
  );
  expect(listed.sort()).toEqual(installed.sort());
});
