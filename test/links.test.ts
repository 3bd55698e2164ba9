import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { repository } from './support/sandbox.ts';

const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--', '*.md'], {
  cwd: repository,
  encoding: 'utf8',
});
const pages = listed
  .trimEnd()
  .split('\n')
  .filter((page) => existsSync(join(repository, page)));

const read = (page: string): string => readFileSync(join(repository, page), 'utf8');

const withoutCode = (text: string): string => text.replace(/^ *```[\s\S]*?^ *```/gm, '');

/** The target of every link to a file or heading of this repository. */
function linksOf(text: string): string[] {
  const links = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return links.filter((target) => !/^[a-z]+:/.test(target));
}

/** The anchors that GitHub gives to the headings of a page: `## Go back` has `go-back`, a second one `go-back-1`. */
function anchorsOf(text: string): string[] {
  const headings = [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => toAnchor(heading));
  return headings.map((anchor, at) => {
    const earlier = headings.slice(0, at).filter((other) => other === anchor).length;
    return earlier === 0 ? anchor : `${anchor}-${earlier}`;
  });
}

function toAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}

function isBroken(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  if (!existsSync(join(repository, target))) return true;
  return anchor !== undefined && !anchorsOf(read(target)).includes(decodeURIComponent(anchor));
}

test.each(pages)('every relative link of %s leads to a file and a heading', (page) => {
  expect(linksOf(read(page)).filter((link) => isBroken(page, link))).toEqual([]);
});

test('every page of docs/ that a message or another page mentions exists', () => {
  const sources = execFileSync('git', ['grep', '-hoE', 'docs/[a-z-]+[.]md', '--', '*.md', 'src'], {
    cwd: repository,
    encoding: 'utf8',
  });
  const named = new Set(sources.trimEnd().split('\n'));
  expect([...named].filter((page) => !existsSync(join(repository, page)))).toEqual([]);
  expect(named.size).toBeGreaterThan(10);
});

test('docs/README.md lists every page of docs/', () => {
  const linked = linksOf(read('docs/README.md'));
  const own = pages.filter((page) => /^docs\/(?!README)/.test(page)).map((page) => page.replace('docs/', ''));
  expect(own.filter((page) => !linked.includes(page))).toEqual([]);
});

test('a link to a missing file or heading counts as broken', () => {
  expect(isBroken('docs/README.md', 'no-such-page.md')).toBe(true);
  expect(isBroken('docs/README.md', 'library.md#no-such-heading')).toBe(true);
  expect(isBroken('docs/README.md', 'library.md#options')).toBe(false);
});
