import { readdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Express, Request } from 'express';
import type { Accounts } from './accounts.ts';
import type { Html } from './pages/html.ts';

/** A part that `sessapp add` added to this application. */
export interface Addition {
  routes(app: Express): void;
  /** Renders another way to log in, for the login page. @param next the path to go to after the login */
  renderLogin(req: Request, next: string): Html;
  /** Links to the addition's pages, for a logged-in user. */
  links(req: Request): [path: string, text: string][];
  close(): Promise<void>;
}

interface Module {
  openAddition(accounts: Accounts): Promise<Addition>;
}

const folder = join(import.meta.dirname, 'additions');
const entry = `addition${extname(import.meta.filename)}`;

/** Opens each addition in `app/additions` and adds its routes. Skips a folder without its entry file: it is incomplete. */
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

/** @param app the application, such as `req.app` */
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
