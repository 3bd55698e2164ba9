// Opens the pages in a real Chromium. With SCREENSHOTS=<directory>, it saves an image of each page.
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { hasChromium, launchChromium } from '../support/chromium.ts';
import { Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, serve } from '../support/server.ts';

const desk = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
const looks: [name: string, BrowserContextOptions][] = [
  ['desk-light-ko', { ...desk, colorScheme: 'light', locale: 'ko-KR' }],
  ['desk-dark-en', { ...desk, colorScheme: 'dark', locale: 'en-US' }],
  ['phone-light-en', { ...phone, colorScheme: 'light', locale: 'en-US' }],
  ['phone-dark-ko', { ...phone, colorScheme: 'dark', locale: 'ko-KR' }],
];

/** The application of the tutorial, with an additional page that fails. */
const failing = `import { Router } from 'express';
import { routes as tutorial } from './tutorial.js';

function findCustomer(id) {
  const customers = new Map();
  const customer = customers.get(id);
  return customer.name;
}

export function routes(app) {
  tutorial(app);
  app.get('/customers/:id', (req, res) => {
    try {
      res.send(findCustomer(req.params.id));
    } catch (error) {
      throw new Error(\`The customer <b>\${req.params.id}</b> cannot be shown\`, { cause: error });
    }
  });
  app.use('/admin', Router().get('/users', (req, res) => res.send('')).post('/users/:id', (req, res) => res.send('')));
}
`;

describe.skipIf(!hasChromium)('in a browser', () => {
  const sandbox = new Sandbox(afterAll);
  let browser: Browser;
  let environment: string;
  let url: string;

  beforeAll(async () => {
    environment = await copyEnvironment(sandbox);
    const app = join(environment, 'app.js');
    await writeFile(join(environment, 'tutorial.js'), await readFile(app));
    await writeFile(app, failing);
    browser = await launchChromium();
    ({ url } = await serve(sandbox, environment, ['--watch']));
  });
  afterAll(() => browser.close());

  /** Opens a page, and collects its faults: console errors and uncaught exceptions. */
  async function open(options: BrowserContextOptions): Promise<{ page: Page; faults: string[] }> {
    const context = await browser.newContext(options);
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const faults: string[] = [];
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    page.on('pageerror', (error) => faults.push(String(error)));
    return { page, faults };
  }

  describe.each(looks)('%s', (look, options) => {
    test.each<[name: string, path: string, heading: RegExp]>([
      ['first', '/', /세션에 username을 저장했습니다\.|Saved username in the session\./],
      ['profile', '/profile', /현재 유저는 guest입니다\.|The current user is guest\./],
      ['nobody', '/profile', /현재 유저가 없습니다\.|There is no current user\./],
      ['error', '/customers/7', /^Error: The customer <b>7<\/b> cannot be shown$/],
      ['missing', '/<script>', /^There is no page at GET \/%3Cscript%3E$/],
    ])('the page %s is readable', async (name, path, heading) => {
      const { page, faults } = await open(options);
      if (name === 'profile') await page.goto(url);
      const response = await page.goto(url + path);
      const isFailure = name === 'error' || name === 'missing';
      expect(response?.ok()).toBe(!isFailure);
      expect(await page.locator('h1').innerText()).toMatch(heading);
      // The browser reports the status of the page as an error.
      expect(faults.filter((fault) => !(isFailure && /status of (404|500)/.test(fault)))).toEqual([]);
      expect(await violations(page)).toEqual([]);
      expect(await page.evaluate(state)).toEqual({ overflow: 0, isStyled: true });
      await shoot(page, `${name}-${look}`);
    });
  });

  test('both pages and the session can be reached with only the keyboard', async () => {
    const { page } = await open({ ...desk, locale: 'en-US' });
    await page.goto(url);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(focused)).toEqual({ text: 'Save a name /', isVisible: true });
    await page.keyboard.press('Tab');
    expect(await page.evaluate(focused)).toEqual({ text: 'Profile /profile', isVisible: true });
    await page.keyboard.press('Enter');
    await page.waitForURL(`${url}/profile`);
    expect(await page.locator('h1').innerText()).toBe('The current user is guest.');
    expect(await page.locator('[aria-current=page]').innerText()).toBe('Profile /profile');
    expect(await page.locator('pre').innerText()).toBe('{\n  "username": "guest"\n}');
  });

  test('an error page can be read with only the keyboard: the code scrolls, and all calls can be expanded', async () => {
    const { page } = await open({ ...phone, locale: 'en-US' });
    await page.goto(`${url}/customers/7`);
    expect(await page.locator('mark').allInnerTexts()).toEqual([
      expect.stringMatching(/^> 16 .*throw new Error/),
      expect.stringMatching(/^> +7 +return customer\.name;$/),
    ]);
    expect(await page.locator('figcaption').allInnerTexts()).toEqual(['app.js:16', 'app.js:7']);
    await page.keyboard.press('Tab');
    expect((await page.evaluate<{ isVisible: boolean }>(focused)).isVisible).toBe(true);
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => page.evaluate('document.activeElement.scrollLeft')).toBeGreaterThan(0);
    const calls = page.locator('details').first().locator('li').last();
    expect(await calls.isVisible()).toBe(false);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await calls.waitFor({ state: 'visible' });
  });

  test('a 404 page links to the existing routes', async () => {
    const { page } = await open(desk);
    await page.goto(`${url}/nowhere`);
    expect((await page.locator('tbody').innerText()).split(/\s+/).join(' ')).toBe(
      'GET / GET /profile GET /customers/:id GET /admin/users POST /admin/users/:id',
    );
    await page.getByRole('link', { name: '/profile' }).click();
    await page.waitForURL(`${url}/profile`);
  });
});

// The tests do not have the types of a browser, so code for the browser is a string.
const state = `({
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  isStyled: getComputedStyle(document.body).getPropertyValue('--text') !== '',
})`;

const focused = `({
  text: document.activeElement.innerText,
  isVisible: getComputedStyle(document.activeElement).outlineStyle === 'solid',
})`;

/** The violations of WCAG 2.2 (levels A and AA) and of axe's own best practices that axe finds. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  const { violations: found } = await page.evaluate<AxeResults>('axe.run()');
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

async function shoot(page: Page, name: string): Promise<void> {
  const directory = process.env.SCREENSHOTS;
  if (directory) await page.screenshot({ path: join(directory, `${name}.png`), fullPage: true });
}
