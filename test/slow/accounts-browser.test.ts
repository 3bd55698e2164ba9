import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findFaults } from '../support/axe.ts';
import { hasChromium, launchChromium } from '../support/chromium.ts';
import { Sandbox } from '../support/sandbox.ts';
import { password, Site } from '../templates/accounts-site.ts';

const inBrowser = test.skipIf(!hasChromium);
/** The directory for screenshots; without it, none are made. */
const { SCREENSHOTS } = process.env;
const changed = 'another horse battery';

const sandbox = new Sandbox(afterAll);
let browser: Browser;
let site: Site;
const faults: string[] = [];

beforeAll(async () => {
  if (!hasChromium) return;
  // Both browsers have the same IP address, and there is no proxy.
  site = await Site.start(sandbox, { env: { TRUST_PROXY: '0' } });
  browser = await launchChromium();
});
afterAll(() => browser?.close());

/** Opens a separate browser. Every message on its console, such as a violation of the Content-Security-Policy, is a fault. */
async function open(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ locale: 'en-US', baseURL: site.url, ...options });
  return openIn(context);
}

async function openIn(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  page.on('console', (message) => {
    // Chromium reports each response with a status of 400 or more.
    if (message.type() === 'error' && !message.text().includes('status of 4')) faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  return page;
}

async function fill(page: Page, fields: Record<string, string>, button: string): Promise<void> {
  for (const [label, value] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(value);
  await page.locator('main').getByRole('button', { name: button, exact: true }).click();
}

async function register(page: Page, email: string, name = 'Ann'): Promise<void> {
  await page.goto('/register');
  await fill(page, { Name: name, 'Email address': email, Password: password }, 'Register');
  await page.getByRole('heading', { name: 'Check your mail' }).waitFor();
  const [link = ''] = await site.linksTo(email);
  await page.goto(link);
  await fill(page, { Password: password }, 'Confirm and log in');
  await page.getByRole('heading', { name: `Hello, ${name}` }).waitFor();
}

async function logIn(page: Page, email: string, secret = password): Promise<void> {
  await page.goto('/login');
  await fill(page, { 'Email address': email, Password: secret }, 'Log in');
}

const heading = (page: Page) => page.locator('h1').innerText();

inBrowser(`a user registers, sees two browsers as devices, and logs out everywhere`, async () => {
  const first = await open();
  await register(first, 'ann@example.com');
  const second = await open({ userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1' });
  await logIn(second, 'ann@example.com');
  await first.getByRole('link', { name: 'Devices' }).click();
  expect(await first.locator('.device').count()).toBe(2);
  expect(await first.locator('.device').nth(1).innerText()).toContain('Safari, iPhone');

  await first.getByRole('button', { name: 'Log out: Safari, iPhone' }).click();
  expect(await first.getByRole('status').innerText()).toBe('1 device was logged out.');
  await second.reload();
  expect(await heading(second)).toBe('Welcome');

  await logIn(second, 'ann@example.com');
  await first.goto('/account/sessions');
  await first.getByRole('button', { name: 'Log out everywhere' }).click();
  expect(await first.getByRole('status').innerText()).toBe('You are logged out everywhere.');
  await second.goto('/account/password');
  expect([await heading(first), await heading(second)]).toEqual(['Log in', 'Log in']);
});

inBrowser(`a forgotten password is reset, and after the login the browser shows the requested page`, async () => {
  const page = await open();
  await register(page, 'bob@example.com');
  const other = await open();
  await other.goto('/account/password');
  await other.getByRole('link', { name: 'Forgot your password?' }).click();
  await fill(other, { 'Email address': 'bob@example.com' }, 'Send the link');
  const [, link = ''] = await site.linksTo('bob@example.com', 2);
  await other.goto(link);
  await fill(other, { 'New password': changed }, 'Set the password');
  expect(await other.getByRole('status').innerText()).toContain('The password was changed.');
  await page.goto('/account/password');
  expect(await heading(page)).toBe('Log in');
  await fill(page, { 'Email address': 'bob@example.com', Password: changed }, 'Log in');
  expect(new URL(page.url()).pathname).toBe('/account/password');
  await fill(page, { 'Current password': changed, 'New password': password }, 'Change the password');
  expect(await page.getByRole('status').innerText()).toContain('all other devices were logged out');
});

inBrowser('after ten wrong passwords the page says when to try again', async () => {
  const page = await open();
  await register(page, 'cem@example.com');
  const other = await open();
  for (const _ of Array(10)) {
    await logIn(other, 'cem@example.com', 'wrong');
    expect(await other.getByRole('alert').innerText()).toContain('The email address or the password is wrong');
  }
  await logIn(other, 'cem@example.com');
  expect(await heading(other)).toBe('Too many attempts');
  expect(await other.locator('main').innerText()).toContain('Try again in 15 minutes.');
});

inBrowser('by keyboard alone a user registers, logs out and logs in', async () => {
  const page = await open();
  await page.goto('/');
  const reach = async (what: string) => {
    for (let presses = 0; presses < 30; presses += 1) {
      await page.keyboard.press('Tab');
      const label = await page.evaluate<string | undefined>(
        '(document.activeElement.labels?.[0] ?? document.activeElement).innerText',
      );
      if (label?.trim() === what) return;
    }
    throw new Error(`Tab does not reach ${what}`);
  };
  const type = async (label: string, text: string) => {
    await reach(label);
    await page.keyboard.type(text);
  };
  await reach('Register');
  await Promise.all([page.waitForURL('**/register'), page.keyboard.press('Enter')]);
  await type('Name', 'Dora');
  await type('Email address', 'dora@example.com');
  await type('Password', password);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Check your mail' }).waitFor();
  const [link = ''] = await site.linksTo('dora@example.com');
  await page.goto(link);
  await type('Password', password);
  await Promise.all([page.waitForURL('**/'), page.keyboard.press('Enter')]);
  expect(await heading(page)).toBe('Hello, Dora');
  await reach('Log out');
  await Promise.all([page.waitForURL('**/login'), page.keyboard.press('Enter')]);
  await type('Email address', 'dora@example.com');
  await type('Password', password);
  await reach('Log in');
  await Promise.all([page.waitForURL('**/'), page.keyboard.press('Enter')]);
  expect(await heading(page)).toBe('Hello, Dora');
});

const sizes = { desk: { width: 1280, height: 800 }, phone: { width: 360, height: 640 } };

inBrowser.each([
  ['desk', 'light', 'en-US'],
  ['desk', 'dark', 'ko-KR'],
  ['phone', 'light', 'ko-KR'],
  ['phone', 'dark', 'en-US'],
] as const)(
  'at the size of a %s, %s, in %s, each page fits, and has no fault in its contrast, labels or structure',
  async (size, colorScheme, locale) => {
    const email = `${size}-${colorScheme}@example.com`;
    const context = await browser.newContext({ baseURL: site.url, viewport: sizes[size], colorScheme, locale });
    const page = await openIn(context);
    const see = async (name: string) => {
      expect([name, await findFaults(page)]).toEqual([name, []]);
      if (SCREENSHOTS === undefined) return;
      await mkdir(SCREENSHOTS, { recursive: true });
      await page.screenshot({ path: join(SCREENSHOTS, `${size}-${colorScheme}-${name}.png`), fullPage: true });
    };
    const visit = async (name: string, path: string) => {
      await page.goto(path);
      await see(name);
    };
    const submit = () => page.locator('main form').first().getByRole('button').click();
    await visit('home', '/');
    await visit('register', '/register');
    await page.locator('form').evaluate((form) => form.setAttribute('novalidate', ''));
    await page.locator('#email').fill('nobody');
    await submit();
    await see('register-faults');
    await page.locator('#name').fill('Ann');
    await page.locator('#email').fill(email);
    await page.locator('#password').fill(password);
    await submit();
    await see('register-sent');
    const [link = ''] = await site.linksTo(email);
    await visit('verify', link);
    await page.locator('#password').fill(password);
    await submit();
    await see('home-user');
    await site.logIn(email);
    await site.logIn(email, site.visitor({ 'User-Agent': 'x'.repeat(200) }));
    await visit('devices', '/account/sessions');
    await visit('password', '/account/password');
    await visit('sudo', '/sudo');
    await context.clearCookies();
    await visit('login', '/login');
    await page.locator('#email').fill(email);
    await page.locator('#password').fill('wrong');
    await submit();
    await see('login-fault');
    await visit('reset', '/reset');
    await page.locator('#email').fill(email);
    await submit();
    const [, reset = ''] = await site.linksTo(email, 2);
    await visit('reset-new', reset);
    await page.locator('#password').fill(changed);
    await submit();
    await see('reset-done');
    await visit('link', reset);
  },
);

inBrowser('no page violated its Content-Security-Policy or reported an error', () => {
  expect(faults).toEqual([]);
});
