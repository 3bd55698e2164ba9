import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { afterAll, expect, type TestContext } from 'vitest';
import { claimOf } from '../docs/claims.ts';
import { repository, type Sandbox } from './sandbox.ts';

/** A code block of a page. */
export interface Block {
  page: string;
  /** The last heading above it. */
  heading: string;
  /** How many blocks are above it under the same heading. */
  nth: number;
  language: string;
  /** The name after the language, as in ```js app.js. */
  file: string | undefined;
  code: string;
}

/** Every page with code blocks: `README.md`, `docs/store.md` and so on. */
export function listPages(): string[] {
  const pages = readdirSync(join(repository, 'docs')).map((name) => `docs/${name}`);
  return [...pages, 'README.md', 'README.ko.md'].filter((page) => page.endsWith('.md')).sort();
}

/** The blocks of a page in their order. A block may be indented, as in a list. */
export function readBlocks(page: string): Block[] {
  const blocks: Block[] = [];
  let heading = '';
  let open: { block: Block; indent: string } | undefined;
  for (const line of readFileSync(join(repository, page), 'utf8').split('\n')) {
    const fence = /^( *)```(\S*) ?(.*)$/.exec(line);
    if (open && fence?.[1] === open.indent) open = undefined;
    else if (open) open.block.code += `${line.slice(open.indent.length)}\n`;
    else if (fence) {
      const [, indent = '', language = '', file = ''] = fence;
      const nth = blocks.filter((block) => block.heading === heading).length;
      open = { block: { page, heading, nth, language, file: file || undefined, code: '' }, indent };
      blocks.push(open.block);
    } else heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading;
  }
  return blocks;
}

/** A page whose blocks a test file takes one after the other. */
export class Page {
  readonly blocks: Block[];
  readonly #left: Set<Block>;

  constructor(name: string) {
    this.blocks = readBlocks(name);
    this.#left = new Set(this.blocks);
  }

  /** The next block under a heading that was not taken, of this language if one is given. */
  take(heading: string, language?: string): Block {
    const isMeant = (block: Block): boolean =>
      block.heading === heading && (language === undefined || block.language === language);
    const found = [...this.#left].find(isMeant);
    if (!found) throw new Error(`There is no other block (${language ?? 'of any language'}) under '${heading}'.`);
    this.#left.delete(found);
    return found;
  }

  /** All blocks under a heading that were not taken. */
  takeAll(heading: string, language?: string): Block[] {
    const found = [...this.#left].filter((block) => block.heading === heading);
    return found
      .filter((block) => language === undefined || block.language === language)
      .map(() => this.take(heading, language));
  }

  get left(): Block[] {
    return [...this.#left];
  }
}

/**
 * Opens a page for a test file, which must take every block that test/docs/claims.ts says it runs. The file fails at
 * its end when it did not. When some tests were skipped, nothing is checked.
 */
export function openPage(name: string, testFile: string): Page {
  const page = new Page(name);
  const file = relative(repository, testFile);
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads the names of fixtures from the first parameter.
  afterAll(({}, suite) => {
    if (!haveAllPassed(suite.tasks)) return;
    const forgotten = page.left.filter((block) => claimOf(block) === file);
    expect(forgotten.map(describeBlock), `${file} does not run these blocks`).toEqual([]);
  });
  return page;
}

export function describeBlock({ page, heading, nth, language }: Block): string {
  return `${page}, '${heading}', ${language} (${nth})`;
}

type Tasks = TestContext['task']['file']['tasks'];

function haveAllPassed(tasks: Tasks): boolean {
  return tasks.every((task) => (task.type === 'suite' ? haveAllPassed(task.tasks) : task.result?.state === 'pass'));
}

/** Fails unless the output has the lines that a page shows, in their order. `…` in a line stands for any text. */
export function expectShown(output: string, { code }: { code: string }): void {
  const printed = output.split('\n');
  for (const line of code.split('\n').filter((text) => text.trim() !== '')) {
    const pattern = new RegExp(line.trim().split('…').map(escapeRegExp).join('.*'));
    const at = printed.findIndex((text) => pattern.test(text));
    expect(at, `${line}\nis not, or not in this order, in\n${output}`).not.toBe(-1);
    printed.splice(0, at + 1);
  }
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&').replace(/ +/g, ' +');
}

/** Links packages of this repository, and sessapp itself, into the `node_modules` of a directory. */
export async function linkPackages(sandbox: Sandbox, ...names: string[]): Promise<void> {
  const targets = names.map((name): [string, string] => [name, join(repository, 'node_modules', name)]);
  for (const [name, target] of [['sessapp', repository] as const, ...targets]) {
    const path = sandbox.path('node_modules', name);
    await mkdir(dirname(path), { recursive: true });
    await symlink(target, path);
  }
}
