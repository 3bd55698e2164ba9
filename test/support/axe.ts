import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** The problems that axe finds, and whether the page is wider than the window. */
export async function findFaults(page: Page): Promise<string[]> {
  // The Content-Security-Policy of the page blocks scripts, so the browser's developer tools run this one.
  await page.evaluate(await readFile(axe, 'utf8'));
  const { violations } = await page.evaluate<AxeResults>('axe.run()');
  const found = violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target}: ${failureSummary}`),
  );
  const isTooWide = await page.evaluate('document.documentElement.scrollWidth > window.innerWidth');
  return isTooWide ? [...found, 'wider than the window'] : found;
}
