// The dashboard in a real Chromium. SCREENSHOTS=<directory> saves an image of each state.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { hasChromium, launchChromium } from '../support/chromium.ts';
import { type Dashboard, startDashboard } from '../support/dashboard.ts';
import { add, type Given, hourMs, keyOf } from '../support/records.ts';
import { Sandbox } from '../support/sandbox.ts';
import { addRoutes, copyEnvironment, request, serve } from '../support/server.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const sizes = { desk: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };
const hostile = `<img src=x onerror="document.title='hacked'">`;

describe.skipIf(!hasChromium)('the dashboard', () => {
  const sandbox = new Sandbox(afterAll);
  let environment: string;
  let url: string;
  let browser: Browser;
  let users = 0;

  beforeAll(async () => {
    environment = await copyEnvironment(sandbox);
    await addRoutes(
      environment,
      `app.get('/login/:name', (req, res) => { req.session.userId = req.params.name; res.send('in'); });
       app.get('/who', (req, res) => res.type('text').send(String(req.session.userId ?? 'nobody')));`,
    );
    ({ url } = await serve(sandbox, environment));
    browser = await launchChromium();
  });

  afterAll(() => browser?.close());

  beforeEach(() => {
    users += 1;
  });

  /** Opens a page in a new browser context. The test fails if the page reports an error. */
  async function newPage(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({ locale: 'en-US', viewport: sizes.desk, ...options });
    const page = await context.newPage();
    const errors: string[] = [];
    page.on('pageerror', ({ message }) => errors.push(message));
    page.on('console', (message) => {
      // Refused requests are in the console too. Tests of refusals check the page instead.
      if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) errors.push(message.text());
    });
    onTestFinished(async () => {
      await context.close();
      expect(errors).toEqual([]);
    });
    return page;
  }

  /** Opens the dashboard in a browser. */
  async function open(
    args: string[] = [],
    options: BrowserContextOptions = {},
  ): Promise<{ page: Page; dashboard: Dashboard }> {
    const dashboard = await startDashboard(sandbox, environment, args);
    onTestFinished(async () => {
      if (dashboard.child.exitCode !== null) return;
      dashboard.child.kill('SIGINT');
      await once(dashboard.child, 'exit');
    });
    const page = await newPage(options);
    await page.goto(dashboard.link);
    await page.locator('#content').waitFor();
    await page.locator('#charts strong').first().getByText(/^\d/).waitFor();
    return { page, dashboard };
  }

  /** Opens a browser in which this user is logged in to the application. */
  async function login(name: string): Promise<Page> {
    const page = await newPage();
    await page.goto(`${url}/login/${name}`);
    return page;
  }

  async function who(page: Page): Promise<string> {
    await page.goto(`${url}/who`);
    return page.locator('body').innerText();
  }

  async function screenshot(page: Page, name: string): Promise<void> {
    const directory = process.env.SCREENSHOTS;
    if (directory) await page.screenshot({ path: join(directory, `dashboard-${name}.png`), fullPage: true });
  }

  async function expectAccessible(page: Page): Promise<void> {
    // Evaluated by the debugger, which the page's content security policy does not block.
    await page.evaluate(axe);
    const { violations } = (await page.evaluate('axe.run()')) as AxeResults;
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
  }

  async function search(page: Page, text: string): Promise<void> {
    await page.getByRole('searchbox').fill(text);
    await page.getByRole('searchbox').press('Enter');
    // Until then, the page still shows the old rows.
    await page.getByText('Searching…').waitFor({ state: 'hidden' });
  }

  test('an ended session is logged out in the other browser, and the other sessions stay', async () => {
    const [ann, bob, phone] = [await login('ann'), await login('bob'), await login('bob')];
    expect([await who(ann), await who(bob), await who(phone)]).toEqual(['ann', 'bob', 'bob']);
    const { page } = await open();
    await search(page, 'ann');
    await page.getByRole('button', { name: /^End session/ }).click();
    const question = page.getByRole('dialog');
    expect(await question.innerText()).toMatch(/^End 1 session, [\w+-]{12}\?/);
    await screenshot(page, 'confirm');
    await question.getByRole('button', { name: 'Cancel' }).click();
    expect(await who(ann)).toBe('ann');
    await page.getByRole('button', { name: /^End session/ }).click();
    await question.getByRole('button', { name: 'End' }).click();
    await page.getByText('Sessions ended: 1').waitFor();
    await page.getByText('No live session matches.').waitFor();
    expect([await who(ann), await who(bob), await who(phone)]).toEqual(['nobody', 'bob', 'bob']);

    await search(page, 'bob');
    await page
      .getByRole('button', { name: /^Details/ })
      .first()
      .click();
    await page.getByRole('button', { name: 'End all sessions of this user' }).click();
    expect(await question.innerText()).toContain('Live sessions of bob: 2. End all of them?');
    await question.getByRole('button', { name: 'End' }).click();
    await page.getByText('Sessions ended: 2').waitFor();
    expect([await who(bob), await who(phone)]).toEqual(['nobody', 'nobody']);
  });

  test('all sessions are ended after a confirmation that says how many', async () => {
    const eve = await login('eve');
    const { page } = await open();
    const live = Number(await page.locator('#charts strong').first().innerText());
    await page.getByRole('button', { name: 'End all sessions' }).click();
    expect(await page.getByRole('dialog').innerText()).toContain(`Live sessions of myenv: ${live}. End all of them?`);
    await page.getByRole('dialog').getByRole('button', { name: 'End' }).click();
    await page.getByText(`Sessions ended: ${live}`).waitFor();
    await page.getByText('There are no live sessions.').waitFor();
    expect(await who(eve)).toBe('nobody');
  });

  test.each(['desk', 'phone'] as const)(
    'everything works with the keyboard alone, at the size of a %s',
    async (size) => {
      const ann = await login('ann');
      const { page } = await open([], { viewport: sizes[size] });
      const focused = () =>
        page.evaluate('document.activeElement.getAttribute("aria-label") ?? document.activeElement.id');
      const tabTo = async (wanted: RegExp, key = 'Tab'): Promise<void> => {
        for (let presses = 0; presses < 40 && !wanted.test(String(await focused())); presses += 1)
          await page.keyboard.press(key);
        expect(await focused()).toMatch(wanted);
      };
      await page.keyboard.press('Tab');
      expect(await page.locator(':focus').innerText()).toBe('Go to the sessions');
      await page.keyboard.press('Enter');
      await tabTo(/^text$/);
      await page.keyboard.type('ann');
      await page.keyboard.press('Enter');
      await page.locator('#rows tr').first().getByText('ann', { exact: true }).waitFor();
      await tabTo(/^Details of session/);
      await page.keyboard.press('Enter');
      await page.locator('#details[open]').waitFor();
      await page.keyboard.press('Escape');
      await tabTo(/^Details of session/);
      await tabTo(/^End session/);
      await page.keyboard.press('Space');
      await page.locator('#confirm[open]').waitFor();
      // The button that ends nothing has the focus first.
      expect(await page.locator(':focus').innerText()).toBe('Cancel');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await page.getByText('Sessions ended: 1').waitFor();
      expect(await who(ann)).toBe('nobody');
    },
  );

  test('the page updates by itself, and the keyboard focus stays', async () => {
    await login('first');
    const { page } = await open();
    const end = page.getByRole('row', { name: /first/ }).getByRole('button', { name: /^End/ });
    await end.focus();
    for (let n = 0; n < 3; n += 1) await login(`next${n}`);
    await page.getByText('next2', { exact: true }).waitFor();
    expect(
      await end.evaluate('document.activeElement === document.querySelector("#rows tr:has(.danger:focus) .danger")'),
    ).toBe(true);
    await page.locator('#charts li').nth(1).locator('strong').getByText('3', { exact: true }).waitFor();
  });

  test('the link opens one tab, which can be reloaded, and no other tab has access', async () => {
    const { page, dashboard } = await open();
    expect(page.url()).toBe(`${dashboard.origin}/`);
    await page.reload();
    await page.locator('#content').waitFor();
    for (const address of [dashboard.link, dashboard.origin]) {
      const other = await newPage();
      await other.goto(address);
      await other.getByText('This page has no access').waitFor();
      expect(await other.locator('#content').isHidden()).toBe(true);
      await expectAccessible(other);
      await screenshot(other, 'no-access');
    }
    dashboard.child.kill('SIGINT');
    await page.getByText('The dashboard does not respond.').waitFor();
  });

  test('names and values from users are shown as text, not HTML', async () => {
    const name = encodeURIComponent(hostile);
    const stranger = await login(name);
    expect(await who(stranger)).toBe(hostile);
    const { page } = await open(['--values']);
    await search(page, '<img');
    await page.getByRole('button', { name: /^Details/ }).click();
    await page.locator('#details[open]').waitFor();
    expect(await page.locator('#detail').innerText()).toContain(JSON.stringify(hostile));
    await page.keyboard.press('Escape');
    expect(await page.locator('#rows img').count()).toBe(0);
    expect(await page.title()).toBe('myenv – Sessions');
  });

  test('--read-only shows no button that ends a session', async () => {
    await login('ann');
    const { page } = await open(['--read-only']);
    await page.getByText('read-only').waitFor();
    await page
      .getByRole('button', { name: /^Details/ })
      .first()
      .click();
    await page.locator('#details[open]').waitFor();
    expect(await page.getByRole('button', { name: /^End/ }).count()).toBe(0);
  });

  test('the buttons Next and Previous change the page of sessions', async () => {
    const expiresAtMs = Date.now() + hourMs / 2;
    const many = Array.from(
      { length: 60 },
      (_, n): Given => ({ key: keyOf(`${users} ${n}`), owner: `visitor ${n}`, expiresAtMs: expiresAtMs + n }),
    );
    await add(environment, many);
    const { page } = await open();
    await search(page, 'visitor');
    await page.getByText('Sessions 1 to 50').waitFor();
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('Sessions 51 to 60').waitFor();
    expect(await page.locator('#rows .owner').allInnerTexts()).toEqual(many.slice(50).map(({ owner }) => owner));
    expect(await page.getByRole('button', { name: 'Next' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Previous' }).click();
    await page.getByText('Sessions 1 to 50').waitFor();
  });

  describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
    test.each([
      ['desk', 'en-US'],
      ['desk', 'ko-KR'],
      ['phone', 'en-US'],
      ['phone', 'ko-KR'],
    ] as const)('contrast, labels and structure conform to WCAG: %s, %s', async (size, locale) => {
      for (const name of ['ann', 'bob', '이순신']) await request(`${url}/login/${encodeURIComponent(name)}`);
      const { page } = await open(['--values'], { viewport: sizes[size], colorScheme, locale });
      expect(await page.locator('html').getAttribute('lang')).toBe(locale.slice(0, 2));
      await page.locator('#rows tr').nth(2).waitFor();
      await expectAccessible(page);
      await screenshot(page, `${size}-${colorScheme}-${locale}`);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(sizes[size].width);
      await page.locator('#rows tr').first().getByRole('button').first().click();
      await page.locator('#details[open]').waitFor();
      await expectAccessible(page);
      await screenshot(page, `${size}-${colorScheme}-${locale}-details`);
      await page.locator('#end-one').click();
      await page.locator('#confirm[open]').waitFor();
      await expectAccessible(page);
    });
  });
});
