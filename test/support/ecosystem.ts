import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, inject, onTestFinished } from 'vitest';
import { orUndefined } from '../../src/errors.ts';
import { type Browser, createBrowser } from '../../src/testing/browser.ts';
import { finish, type Result, repository, Sandbox, untilEvent } from './sandbox.ts';

/** The applications are written for express-session: a flow that fails with it asks too much. */
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
    // Another file of tests, which runs at the same time, may have been faster.
    await orUndefined(rename(project, directory), 'ENOTEMPTY', 'EEXIST');
  });
}

async function npm(sandbox: Sandbox, cwd: string, args: string[]): Promise<string> {
  // As if no npm had started the tests.
  const own = Object.keys(process.env).filter((name) => /^npm_/i.test(name));
  const env = Object.fromEntries(own.map((name) => [name, undefined]));
  const result = await finish(sandbox.spawn('npm', [...args, '--ignore-scripts', '--loglevel=error'], { cwd, env }));
  expect(result, result.stderr).toMatchObject({ exitCode: 0 });
  return result.stdout.trim();
}

async function writeApplications(project: string, library: Library): Promise<void> {
  const target = join(project, folderOf(library));
  await cp(join(sources, 'apps'), target, { recursive: true });
  const files = (await readdir(target)).filter((name) => /\.[jt]s$/.test(name));
  for (const name of files) {
    const code = await readFile(join(target, name), 'utf8');
    await writeFile(join(target, name), code.replaceAll("'sessapp/session'", `'${library}'`));
  }
}

/** Where the applications with the import of a library are. */
export function folderOf(library: Library): string {
  return `with-${library.replace('/', '-')}`;
}

/** Runs the program of an installed package. */
export function runInstalled(program: string, ...args: string[]): Promise<Result> {
  const env = { SESSION_SECRET: 's'.repeat(43) };
  const path = join(directory, 'node_modules', program);
  return finish(new Sandbox().spawn(process.execPath, [path, ...args], { cwd: directory, env }));
}

/** The installed package, as CommonJS gives it. */
export function requireInstalled<T>(name: string): T {
  return createRequire(join(directory, 'package.json'))(name) as T;
}

export interface Running {
  url: string;
  browser(): Browser;
  /** Ends it by SIGTERM. */
  stop(): Promise<void>;
}

/** Runs a program of the ecosystem's folder, and returns what it printed. */
export async function runProgram(file: string, env: Record<string, string>): Promise<string> {
  const result = await finish(new Sandbox().spawn(process.execPath, [file], { cwd: directory, env }));
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  return result.stdout.trim();
}

/** Writes a program into the ecosystem's folder, until the test ends. @returns its path */
export async function writeProgram(code: string): Promise<string> {
  const file = join(directory, `${randomUUID()}.js`);
  await writeFile(file, code);
  onTestFinished(() => rm(file));
  return file;
}

/** Starts an application with the import of a library, until the test ends. The test fails when it logs an error. */
export function startApplication(name: string, library: Library, env: Record<string, string> = {}): Promise<Running> {
  return startFile(join(folderOf(library), `${name}.js`), env);
}

/** The same, with a file of the ecosystem's folder. */
export async function startFile(file: string, env: Record<string, string>): Promise<Running> {
  const child = new Sandbox().spawn(process.execPath, ['start.js', file], {
    cwd: directory,
    env: { SESSION_SECRET: 's'.repeat(43), NEXT_TELEMETRY_DISABLED: '1', ...env },
  });
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
  // What an express-session store cannot promise is said once.
  const limits = /^sessapp: \w+ is an express-session store: .*$/gm;
  onTestFinished(() => expect(errors.replaceAll(limits, '')).not.toMatch(/sessapp:|Error/));
  const listening = untilEvent(child, 'listening').catch((error: Error) => {
    throw new Error(`${file}: ${error.message}\n${errors}`);
  });
  const { url } = (await listening) as { url: string };
  const stop = async (): Promise<void> => {
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  };
  return { url, browser: () => createBrowser(url, Date.now), stop };
}
