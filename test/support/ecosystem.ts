import { existsSync } from 'node:fs';
import { cp, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, inject } from 'vitest';
import { type Browser, createBrowser } from '../../src/testing/browser.ts';
import { finish, repository, Sandbox, untilEvent } from './sandbox.ts';

/** The middleware under test, and the one that the applications were written for: the flows are right when both pass. */
export const libraries = ['express-session', 'sessapp/session'] as const;
export type Library = (typeof libraries)[number];

const sources = join(repository, 'test', 'ecosystem');
/** Of this run of the tests, which removes it at its end: all files of tests use one installation. */
const directory = join(dirname(inject('environment')), 'ecosystem');

/** For the tests of a file: installs the packages and the library, as npm packs it, beside applications for each import. */
export function installEcosystem(): void {
  const sandbox = new Sandbox(afterAll);
  beforeAll(async () => {
    if (existsSync(directory)) return;
    const tarball = await npm(sandbox, repository, ['pack', `--pack-destination=${sandbox.directory}`]);
    const project = sandbox.path('project');
    await cp(sources, project, { recursive: true });
    await npm(sandbox, project, ['install', '--no-audit', '--no-fund', '--no-package-lock', sandbox.path(tarball)]);
    for (const library of libraries) await writeApplications(project, library);
    await rename(project, directory);
  });
}

async function npm(sandbox: Sandbox, cwd: string, args: string[]): Promise<string> {
  // As if no npm had started the tests.
  const own = Object.keys(process.env).filter((name) => /^npm_/i.test(name));
  const env = Object.fromEntries(own.map((name) => [name, undefined]));
  const result = await finish(sandbox.spawn('npm', [...args, '--ignore-scripts', '--silent'], { cwd, env }));
  expect(result).toMatchObject({ exitCode: 0 });
  return result.stdout.trim();
}

async function writeApplications(project: string, library: Library): Promise<void> {
  const target = join(project, folderOf(library));
  await cp(join(sources, 'apps'), target, { recursive: true });
  for (const name of await readdir(target)) {
    const code = await readFile(join(target, name), 'utf8');
    await writeFile(join(target, name), code.replaceAll("'sessapp/session'", `'${library}'`));
  }
}

function folderOf(library: Library): string {
  return `with-${library.replace('/', '-')}`;
}

/** The installed package, as CommonJS gives it. */
export function requireInstalled<T>(name: string): T {
  return createRequire(join(directory, 'package.json'))(name) as T;
}

export interface Running {
  url: string;
  browser(): Browser;
  /** What it has written on stderr. */
  errors(): string;
}

/** Starts an application with the import of a library, until the test ends. */
export async function startApplication(
  name: string,
  library: Library,
  env: Record<string, string> = {},
): Promise<Running> {
  const file = join(folderOf(library), `${name}.js`);
  const child = new Sandbox().spawn(process.execPath, ['start.js', file], {
    cwd: directory,
    env: { SESSION_SECRET: 's'.repeat(43), ...env },
  });
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const listening = untilEvent(child, 'listening').catch((error: Error) => {
    throw new Error(`${name}: ${error.message}\n${errors}`);
  });
  const { url } = (await listening) as { url: string };
  return { url, browser: () => createBrowser(url, Date.now), errors: () => errors };
}
