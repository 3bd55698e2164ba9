import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type Browser, createBrowser } from '../../src/testing/browser.ts';
import { Sandbox } from '../support/sandbox.ts';
import { startPlain, waitFor } from '../support/server.ts';

export const password = 'correct horse battery';

export interface Page {
  status: number;
  /** The target of the redirect; null without one. */
  location: string | null;
  text: string;
  headers: Headers;
}

interface SiteOptions {
  /** Arguments for `init`. */
  args?: string[];
  env?: NodeJS.ProcessEnv;
  /** Keeps the application's own cost of a password hash. By default the cost is very low. */
  fullCost?: boolean;
  /** Edits the files of the environment before its server starts. */
  edit?: (directory: string) => Promise<void>;
}

/** A served environment of the template `accounts`. */
export class Site {
  readonly directory: string;
  readonly url: string;
  readonly output: () => string;

  /** Its server trusts one proxy, so that a visitor can choose the client's address. */
  static async start(sandbox: Sandbox, options: SiteOptions = {}): Promise<Site> {
    const directory = sandbox.path('shop');
    const made = await sandbox.sessapp(['init', directory, '--template', 'accounts', ...(options.args ?? [])]);
    if (made.exitCode !== 0) throw new Error(`init: ${made.stderr}`);
    if (!options.fullCost) await lowerCost(directory);
    await options.edit?.(directory);
    const { url, output } = await startPlain(sandbox, directory, { env: { TRUST_PROXY: '1', ...options.env } });
    return new Site(directory, url, output);
  }

  constructor(directory: string, url: string, output: () => string) {
    this.directory = directory;
    this.url = url;
    this.output = output;
  }

  /** Creates a separate browser with its own IP address. */
  visitor(headers: Record<string, string> = {}): Visitor {
    return new Visitor(this.url, headers);
  }

  /** Waits for a number of links with a token that were sent to an email address. */
  async linksTo(email: string, count = 1): Promise<string[]> {
    return waitFor(() => {
      const lines = this.output()
        .split('\n')
        .filter((line) => line.includes(`mail to ${email}: `));
      const paths = lines.map((line) => new URL(/http:\S+$/.exec(line)?.[0] ?? '').pathname);
      const links = paths.filter((path) => path !== '/reset');
      return links.length >= count && links;
    });
  }

  /** Registers, confirms and logs in. */
  async register(email: string, visitor = this.visitor(), name = 'Ann'): Promise<Visitor> {
    await visitor.send('/register', { name, email, password });
    const [link = ''] = await this.linksTo(email);
    const { status, text } = await visitor.send(link, { password });
    if (status !== 303) throw new Error(`the link returned ${status}: ${text}`);
    return visitor;
  }

  async logIn(email: string, visitor = this.visitor(), secret = password): Promise<Visitor> {
    const { status, text } = await visitor.send('/login', { email, password: secret });
    if (status !== 303) throw new Error(`the login returned ${status}: ${text}`);
    return visitor;
  }
}

let visitors = 0;

export class Visitor {
  readonly #browse: Browser;
  readonly #headers: Record<string, string>;
  #cookie = '';

  constructor(url: string, headers: Record<string, string>) {
    visitors += 1;
    const address = `10.${visitors >> 16}.${(visitors >> 8) & 255}.${visitors & 255}`;
    this.#browse = createBrowser(url, Date.now);
    this.#headers = { 'Accept-Language': 'en', 'X-Forwarded-For': address, ...headers };
  }

  /** The last session cookie that a response has set. */
  get cookie(): string {
    return this.#cookie;
  }

  open(path: string, init: RequestInit = {}): Promise<Page> {
    return this.#send(path, init);
  }

  send(path: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Page> {
    return this.#send(path, { method: 'POST', body: new URLSearchParams(form), headers });
  }

  /** The name of the logged-in user; undefined without one. */
  async user(): Promise<string | undefined> {
    return /<h1>Hello, ([^<]*)<\/h1>/.exec((await this.open('/')).text)?.[1];
  }

  async #send(path: string, init: RequestInit): Promise<Page> {
    const headers = { ...this.#headers, ...(init.headers as Record<string, string>) };
    const response = await this.#browse(path, { ...init, headers, redirect: 'manual' });
    this.#cookie = response.headers.getSetCookie().at(-1)?.split(';')[0] ?? this.#cookie;
    const { status } = response;
    return {
      status,
      location: response.headers.get('Location'),
      text: await response.text(),
      headers: response.headers,
    };
  }
}

/** A site that the tests of a file share. */
export function shareSite(options: SiteOptions = {}): () => Site {
  const sandbox = new Sandbox(afterAll);
  let site: Site;
  beforeAll(async () => {
    site = await Site.start(sandbox, options);
  });
  return () => site;
}

/** Lowers the cost of a password hash: the application's own would make the tests too slow. */
export async function lowerCost(directory: string, ln = 4): Promise<void> {
  const path = join(directory, 'app', 'passwords', 'cost.js');
  await writeFile(
    path,
    `export const argon2Cost = { m: 8, t: 1, p: 1 };\nexport const scryptCost = { ln: ${ln}, r: 8, p: 1 };\n`,
  );
}

/** Replaces text in a file, which must contain it. */
export async function replaceIn(path: string, from: string, to: string): Promise<void> {
  const text = await readFile(path, 'utf8');
  if (!text.includes(from)) throw new Error(`${path} does not have ${from}`);
  await writeFile(path, text.replace(from, to));
}
