import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { hasChromium, launchChromium } from '../support/chromium.ts';
import { collect } from '../support/output.ts';
import { Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, request, waitFor } from '../support/server.ts';

/** How long a restart may take on a machine with other work. */
const patienceMs = 60_000;

describe.skipIf(!hasChromium)('under --watch in a browser', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  async function open(args: string[] = []) {
    const sandbox = new Sandbox();
    const environment = await copyEnvironment(sandbox);
    const child = sandbox.start(['serve', environment, '--port', '0', '--watch', ...args]);
    const output = collect(child);
    const all = () => output.stdout() + output.stderr();
    const url = await waitFor(() => /runs at (http:\/\/\S+:\d+)/.exec(all())?.[1], patienceMs);
    const context = await browser.newContext({ locale: 'en-US' });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    await page.goto(url);
    const edit = async (file: string, from: string | RegExp, to: string): Promise<void> => {
      const path = join(environment, file);
      await writeFile(path, (await readFile(path, 'utf8')).replace(from, to));
    };
    return { child, output, all, url, page, edit };
  }

  const untilStatus = (address: string, status: number) =>
    expect.poll(async () => (await request(address)).status, { timeout: patienceMs }).toBe(status);
  /** Opens an address in a new page, because a reload could interrupt a navigation of the first one. */
  async function another(page: Page, address: string): Promise<Page> {
    const opened = await page.context().newPage();
    await opened.goto(address);
    return opened;
  }

  const heading = (page: Page, text: string) => page.getByRole('heading', { level: 1, name: text }).waitFor();

  test.each([[[]], [['--workers', '2']]])(
    'the page reloads by itself after a change to its code or its style, in the same session %j',
    async (args) => {
      const { child, output, all, url, page, edit } = await open(args);
      const ref = await page.locator('dd').first().innerText();
      await edit('app.js', 'Saved username in the session.', 'Saved it.');
      await heading(page, 'Saved it.');
      expect(await page.locator('dd').first().innerText()).toBe(ref);
      await edit('public/style.css', '#f6f8fa', '#112233');
      await expect
        .poll(() => page.evaluate('getComputedStyle(document.body).backgroundColor'), { timeout: patienceMs })
        .toBe('rgb(17, 34, 51)');
      const profile = await another(page, `${url}/profile`);
      await edit('app.js', 'The current user is', 'Hello,');
      await heading(profile, 'Hello, guest.');
      expect(all()).not.toContain('_sessapp');
      expect(all()).not.toContain('still in flight');
      child.kill('SIGINT');
      expect(await output.ended).toEqual([0, null]);
    },
  );

  test('after a syntax error the page stays until the error is fixed; an error page reloads after the fix', async () => {
    const { page, edit, all, url } = await open();
    await edit('app.js', 'export function', 'export functio');
    await waitFor(() => all().includes('Waiting for a change'), patienceMs);
    await heading(page, 'Saved username in the session.');
    await edit('app.js', /export functio([\s\S]*)Saved username/, 'export function$1Kept username');
    await heading(page, 'Kept username in the session.');
    await edit('app.js', 'const { username } = req.session;', 'const { username } = req.nothing;');
    await untilStatus(`${url}/profile`, 500);
    const profile = await another(page, `${url}/profile`);
    expect(await profile.locator('mark').innerText()).toMatch(/const \{ username \} = req\.nothing;$/);
    await edit('app.js', 'req.nothing', 'req.session');
    await heading(profile, 'The current user is guest.');
  });

  test('the response to a submitted form is not reloaded', async () => {
    const { page, edit, all, url } = await open();
    const form = `app.post('/form', (req, res) => { console.log('FORM'); res.send('<!doctype html><title>sent</title><h1>sent</h1>'); });`;
    await edit(
      'app.js',
      `app.get('/profile'`,
      `${form}\napp.get('/form', (req, res) => res.send('<!doctype html><form method="post"><button>Send</button></form>'));\napp.get('/profile'`,
    );
    await untilStatus(`${url}/form`, 200);
    const sent = await another(page, `${url}/form`);
    await sent.getByRole('button').click();
    await heading(sent, 'sent');
    await edit('app.js', 'Saved username', 'Kept username');
    await waitFor(() => all().split('runs at').length === 4, patienceMs);
    expect(all().match(/FORM/g)).toHaveLength(1);
    expect(await sent.locator('script').count()).toBe(0);
  });
});
