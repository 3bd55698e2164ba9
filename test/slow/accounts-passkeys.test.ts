import { request } from 'node:http';
import { join } from 'node:path';
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFaults } from '../support/axe.ts';
import { hasChromium, launchChromium } from '../support/chromium.ts';
import { finish, Sandbox } from '../support/sandbox.ts';
import { startPlain } from '../support/server.ts';
import { type RunningStore, sharedStores } from '../support/shared-stores.ts';
import { password, replaceIn, Site } from '../templates/accounts-site.ts';

const authenticator = {
  protocol: 'ctap2',
  transport: 'internal',
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
} as const;

let browser: Browser;
beforeAll(async () => {
  if (hasChromium) browser = await launchChromium();
});
afterAll(() => browser?.close());

describe.each(sharedStores)('passkeys on $title', ({ store, missing, start }) => {
  const sandbox = new Sandbox(afterAll);
  let running: RunningStore | undefined;
  let site: Site;
  const inBrowser = test.skipIf(!hasChromium || missing);

  beforeAll(async () => {
    if (!hasChromium || missing) return;
    running = await start();
    // The URL contains a password, which must not be on a command line.
    const env = { TRUST_PROXY: '0', ...(running?.url && { STORE_URL: running.url.href }) };
    site = await Site.start(sandbox, { args: ['--store', store], env, edit: add });
  });
  afterAll(() => running?.remove());

  async function add(directory: string): Promise<void> {
    const added = await sandbox.sessapp(['add', 'passkeys', '-e', directory]);
    expect(added).toMatchObject({ exitCode: 0 });
  }

  /** Opens a separate browser with an authenticator, and registers a user with a passkey. */
  async function register(email: string): Promise<Visitor> {
    const visitor = await Visitor.open(site);
    const { page } = visitor;
    await page.goto('/register');
    await fill(page, { Name: 'Ann', 'Email address': email, Password: password }, 'Register');
    await page.getByRole('heading', { name: 'Check your mail' }).waitFor();
    const [link = ''] = await site.linksTo(email);
    await page.goto(link);
    await fill(page, { Password: password }, 'Confirm and log in');
    await page.getByRole('link', { name: 'Passkeys' }).click();
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    expect(await page.getByRole('status').innerText()).toBe('The passkey was added.');
    return visitor;
  }

  inBrowser('a user adds a passkey, logs in with nothing else, and sees the requested page', async () => {
    const { page, context } = await register('ann@example.com');
    expect(await page.locator('.device').count()).toBe(1);
    expect(site.output()).toContain('mail to ann@example.com: A passkey was added');
    await page.getByRole('button', { name: 'Log out', exact: true }).click();
    await page.goto('/account/passkeys');
    expect(await heading(page)).toBe('Log in');
    const before = await cookieOf(context);
    await page.getByRole('button', { name: 'Log in with a passkey' }).click();
    await page.waitForURL('**/account/passkeys');
    expect(await heading(page)).toBe('Passkeys');
    expect(await cookieOf(context)).not.toBe(before);
  });

  inBrowser('a response is valid for only one of several concurrent logins, and for no later login', async () => {
    const visitor = await register('bob@example.com');
    const send = await visitor.prepareLogin();
    const together = await Promise.all([send(), send(), send()]);
    expect(together.sort()).toEqual(['/', refused, refused]);
    expect(await send()).toBe(refused);
  });

  inBrowser('a passkey that the user has removed logs nobody in', async () => {
    const { page } = await register('cem@example.com');
    await page.getByRole('button', { name: /^Remove: / }).click();
    expect(await page.getByRole('status').innerText()).toContain('The passkey was removed.');
    expect(await page.locator('.device').count()).toBe(0);
    await page.getByRole('button', { name: 'Log out', exact: true }).click();
    await page.getByRole('button', { name: 'Log in with a passkey' }).click();
    expect(await page.getByRole('status').innerText()).toContain('could not be verified');
    expect(new URL(page.url()).pathname).toBe('/login');
  });

  inBrowser('a copy of an authenticator, whose counter is behind, is refused', async () => {
    const visitor = await register('dora@example.com');
    const first = await visitor.prepareLogin();
    expect(await first()).toBe('/');
    const { cdp, authenticatorId } = visitor;
    const { credentials } = await cdp.send('WebAuthn.getCredentials', { authenticatorId });
    for (const credential of credentials) {
      const { credentialId } = credential;
      await cdp.send('WebAuthn.removeCredential', { authenticatorId, credentialId });
      await cdp.send('WebAuthn.addCredential', { authenticatorId, credential: { ...credential, signCount: 0 } });
    }
    const second = await visitor.prepareLogin();
    expect(await second()).toBe(refused);
  });

  test.skipIf(missing)('a TypeScript environment passes its own check, and is served', async () => {
    const typed = new Sandbox();
    const shop = typed.path('shop');
    const args = ['--store', store, '--typescript', '--node', '24'];
    expect(await typed.sessapp(['init', shop, '--template', 'accounts', ...args])).toMatchObject({ exitCode: 0 });
    await add(shop);
    const checked = await finish(typed.spawn('npm', ['run', 'check'], { cwd: shop }));
    expect(checked).toMatchObject({ exitCode: 0 });
    const env = running?.url ? { STORE_URL: running.url.href } : {};
    const command = [join(shop, 'bin', 'node'), 'server.ts'] as [string, string];
    const { url, output } = await startPlain(typed, shop, { cwd: shop, env }, command);
    const served = new Site(shop, url, output);
    expect((await served.visitor().open('/login')).text).toContain('data-options="/login/passkey/options"');
    expect(await served.visitor().open('/passkeys.mjs')).toMatchObject({ status: 200 });
  });

  if (store !== 'embedded') return;

  inBrowser('a response that was made for this site is refused at another host', async () => {
    const visitor = await register('erik@example.com');
    const there = await visitor.prepareLogin();
    expect(await there({ Host: 'other.localhost' })).toBe(refused);
    const here = await visitor.prepareLogin();
    expect(await here({ Host: new URL(byName(site.url)).host })).toBe('/');
  });

  inBrowser('an authenticator that has not verified its user is refused, whatever the browser was told', async () => {
    const visitor = await register('frida@example.com');
    const { page } = visitor;
    await page.route('**/login/passkey/options', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), userVerification: 'discouraged' } });
    });
    const preferred = await visitor.prepareLogin();
    expect(await preferred()).toBe(refused);
    await page.unroute('**/login/passkey/options');
    const required = await visitor.prepareLogin();
    expect(await required()).toBe('/');
  });

  inBrowser('a challenge that has expired is refused', async () => {
    const visitor = await register('ida@example.com');
    const challenge = join(site.directory, 'app', 'additions', 'passkeys', 'challenge.js');
    await replaceIn(challenge, 'Date.now() + challengeMs', 'Date.now()');
    const { url } = await startPlain(sandbox, site.directory);
    await replaceIn(challenge, 'endsAtMs: Date.now()', 'endsAtMs: Date.now() + challengeMs');
    const send = await visitor.prepareLogin(byName(url));
    expect(await send()).toBe(refused);
  });

  inBrowser('an invalid response of an authenticator is refused, and does not cause a server error', async () => {
    const visitor = await register('gus@example.com');
    for (const response of ['', 'null', '{}', '[]', '{"id":"x","response":{"userHandle":"AAAA"}}', '{'.repeat(5000)]) {
      const send = await visitor.prepareLogin();
      expect(await send({}, response)).toBe(refused);
    }
    const page = await site.logIn('gus@example.com');
    for (const response of ['', 'null', '{}', '[]']) {
      await page.send('/account/passkeys/options', {});
      expect(await page.send('/account/passkeys', { response })).toMatchObject({ status: 303 });
    }
    expect((await page.open('/account/passkeys')).text.match(/class="device"/g)).toHaveLength(1);
  });

  inBrowser(
    'a visitor who is not logged in cannot add a passkey; without JavaScript, the login page hides the passkey form',
    async () => {
      const nobody = site.visitor();
      const page = '/account/passkeys';
      for (const path of [page, `${page}/options`, `${page}/end`])
        expect(await nobody.send(path, {})).toMatchObject({ status: 303, location: expect.stringMatching('^/login') });
      expect((await nobody.open('/login')).text).toMatch(/<form [^>]*data-options="[^"]*"[^>]* hidden>/);
    },
  );

  inBrowser.each(['en-US', 'ko-KR'])(
    'in %s the pages for passkeys have no fault in their contrast, labels or structure',
    async (locale) => {
      const { page, context } = await register(`hana-${locale.toLowerCase()}@example.com`);
      await context.setExtraHTTPHeaders({ 'Accept-Language': locale });
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await page.goto('/account/passkeys');
        expect(await findFaults(page)).toEqual([]);
      }
      await context.clearCookies();
      await page.goto('/login');
      await page.locator('form[data-options]').waitFor();
      expect(await findFaults(page)).toEqual([]);
    },
  );
});

const refused = '/login?next=%2F';

/** Sends the response of the authenticator, or another response instead. */
type Send = (headers?: Record<string, string>, response?: string) => Promise<string | undefined>;

/** A separate browser with an authenticator. */
class Visitor {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly cdp: CDPSession;
  readonly authenticatorId: string;
  readonly #url: string;

  static async open(site: Site): Promise<Visitor> {
    const url = byName(site.url);
    const context = await browser.newContext({ locale: 'en-US', baseURL: url });
    const page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', { options: authenticator });
    return new Visitor(url, page, cdp, authenticatorId);
  }

  constructor(url: string, page: Page, cdp: CDPSession, authenticatorId: string) {
    this.#url = url;
    this.page = page;
    this.context = page.context();
    this.cdp = cdp;
    this.authenticatorId = authenticatorId;
  }

  /** Logs out, and lets the authenticator respond. @returns a function that sends the response, and resolves with the redirect */
  async prepareLogin(url = this.#url): Promise<Send> {
    await this.context.clearCookies();
    await this.page.goto(`${url}/login`);
    const [sent] = await Promise.all([
      new Promise<string>((resolve) => {
        void this.page.route('**/login/passkey', async (route) => {
          await route.fulfill({ body: 'kept' });
          resolve(route.request().postData() ?? '');
        });
      }),
      this.page.getByRole('button', { name: 'Log in with a passkey' }).click(),
    ]);
    await this.page.unroute('**/login/passkey');
    const Cookie = await cookieOf(this.context);
    return (headers = {}, response = undefined) => {
      const body = response === undefined ? sent : new URLSearchParams({ response }).toString();
      return post(`${url}/login/passkey`, body, { Cookie, ...headers });
    };
  }
}

// A passkey needs a host name, not an IP address.
function byName(url: string): string {
  return url.replace('127.0.0.1', 'localhost');
}

/** Submits a form, with headers that fetch does not accept. */
function post(url: string, body: string, headers: Record<string, string>): Promise<string | undefined> {
  const form = { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers: { ...form, ...headers }, agent: false }, (response) => {
      response.resume().once('end', () => resolve(response.headers.location ?? String(response.statusCode)));
    });
    sent.once('error', reject).end(body);
  });
}

async function cookieOf(context: BrowserContext): Promise<string> {
  return (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
}

const heading = (page: Page) => page.locator('h1').innerText();

async function fill(page: Page, fields: Record<string, string>, button: string): Promise<void> {
  for (const [label, value] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(value);
  await page.locator('main').getByRole('button', { name: button, exact: true }).click();
}
