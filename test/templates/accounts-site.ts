import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { type Browser, createBrowser } from '../../src/testing/browser.ts';
import { Sandbox } from '../support/sandbox.ts';
import { startPlain, waitFor } from '../support/server.ts';

export const password = 'correct horse battery';

export interface Page {
  status: number;
  /** Where it redirects to; null when it does not. */
  location: string | null;
  text: string;
  headers: Headers;
}

interface SiteOptions {
  /** Of `init`. */
  args?: string[];
  env?: NodeJS.ProcessEnv;
  /** Passwords cost what they cost in an application. By default they cost next to nothing. */
  fullCost?: boolean;
  /** Edits the files of the environment, before its server starts. */
  edit?: (directory: string) => Promise<void>;
}

/** A served environment of the template `accounts`. */
export class Site {
  readonly directory: string;
  readonly url: string;
  readonly output: () => string;

  /** @param env its server is behind a proxy, which tells it the client's address */
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

  /** A browser of its own, at an address of its own. */
  visitor(headers: Record<string, string> = {}): Visitor {
    return new Visitor(this.url, headers);
  }

  /** The links with a token that were sent to an email address, once there are so many. */
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
    if (status !== 303) throw new Error(`the link gave ${status}: ${text}`);
    return visitor;
  }

  async logIn(email: string, visitor = this.visitor(), secret = password): Promise<Visitor> {
    const { status, text } = await visitor.send('/login', { email, password: secret });
    if (status !== 303) throw new Error(`the login gave ${status}: ${text}`);
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

  /** The session cookie that the last response with one has set. */
  get cookie(): string {
    return this.#cookie;
  }

  open(path: string, init: RequestInit = {}): Promise<Page> {
    return this.#send(path, init);
  }

  send(path: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Page> {
    return this.#send(path, { method: 'POST', body: new URLSearchParams(form), headers });
  }

  /** The name of the user who is logged in; undefined when nobody is. */
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

/** Another cost than the application's own: the one thing that tests could not wait for. */
export async function lowerCost(directory: string, ln = 4): Promise<void> {
  const path = join(directory, 'app', 'passwords', 'cost.js');
  await writeFile(
    path,
    `export const argon2Cost = { m: 8, t: 1, p: 1 };\nexport const scryptCost = { ln: ${ln}, r: 8, p: 1 };\n`,
  );
}

/** Replaces a part of a file that must be there. */
export async function replaceIn(path: string, from: string, to: string): Promise<void> {
  const text = await readFile(path, 'utf8');
  if (!text.includes(from)) throw new Error(`${path} does not have ${from}`);
  await writeFile(path, text.replace(from, to));
}
