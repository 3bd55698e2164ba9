import { readdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Express, Request } from 'express';
import type { Accounts } from './accounts.ts';
import type { Html } from './pages/html.ts';

/** What `sessapp add` has added to this application. */
export interface Addition {
  routes(app: Express): void;
  /** Another way to log in, for the page of the login. @param next where to go afterwards */
  renderLogin(req: Request, next: string): Html;
  /** The pages of a user who is logged in. */
  links(req: Request): [path: string, text: string][];
  close(): Promise<void>;
}

interface Module {
  openAddition(accounts: Accounts): Promise<Addition>;
}

const folder = join(import.meta.dirname, 'additions');
const entry = `addition${extname(import.meta.filename)}`;

/** Opens each addition in `app/additions`, and adds its routes. A folder without its entry was not written completely. */
export async function openAdditions(app: Express, accounts: Accounts): Promise<void> {
  const additions: Addition[] = [];
  app.locals.additions = additions;
  for (const path of await listEntries()) {
    const { openAddition } = (await import(pathToFileURL(path).href)) as Module;
    const addition = await openAddition(accounts);
    additions.push(addition);
    addition.routes(app);
  }
}

/** @param app of a request too: `req.app` */
export function additionsOf(app: { locals: Record<string, unknown> }): Addition[] {
  return (app.locals.additions ?? []) as Addition[];
}

async function listEntries(): Promise<string[]> {
  try {
    const paths = (await readdir(folder, { recursive: true })).sort();
    return paths.filter((path) => basename(path) === entry).map((path) => join(folder, path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
