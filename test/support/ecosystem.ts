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

/** The applications are written for express-session. Each test also runs with it, to verify the test itself. */
export const libraries = ['express-session', 'sessapp/session'] as const;
export type Library = (typeof libraries)[number];

const sources = join(repository, 'test', 'ecosystem');
/** All test files of a run share this installation. It is removed at the end of the run. */
const directory = join(dirname(inject('environment')), 'ecosystem');

/** For a test file: installs the packages and the packed library, next to the applications for each library. */
export function installEcosystem(): void {
  const sandbox = new Sandbox(afterAll);
  beforeAll(async () => {
    if (existsSync(directory)) return;
    const tarball = await npm(sandbox, repository, ['pack', `--pack-destination=${sandbox.directory}`]);
    const project = sandbox.path('project');
    await cp(sources, project, { recursive: true });
    await npm(sandbox, project, ['install', '--no-audit', '--no-fund', '--no-package-lock', sandbox.path(tarball)]);
    for (const library of libraries) await writeApplications(project, library);
    // Another test file, running in parallel, may have finished first.
    await orUndefined(rename(project, directory), 'ENOTEMPTY', 'EEXIST');
  });
}

async function npm(sandbox: Sandbox, cwd: string, args: string[]): Promise<string> {
  // Remove the variables of the npm that started the tests.
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

/** The folder of the applications that import this library. */
export function folderOf(library: Library): string {
  return `with-${library.replace('/', '-')}`;
}

/** Runs the program of an installed package. */
export function runInstalled(program: string, ...args: string[]): Promise<Result> {
  const env = { SESSION_SECRET: 's'.repeat(43) };
  const path = join(directory, 'node_modules', program);
  return finish(new Sandbox().spawn(process.execPath, [path, ...args], { cwd: directory, env }));
}

/** Loads an installed package with `require`. */
export function requireInstalled<T>(name: string): T {
  return createRequire(join(directory, 'package.json'))(name) as T;
}

export interface Running {
  url: string;
  browser(): Browser;
  /** Stops the application with SIGTERM. */
  stop(): Promise<void>;
}

/** Runs a program in the ecosystem folder. Returns its output. */
export async function runProgram(file: string, env: Record<string, string>): Promise<string> {
  const result = await finish(new Sandbox().spawn(process.execPath, [file], { cwd: directory, env }));
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  return result.stdout.trim();
}

/** Writes a program into the ecosystem folder, and removes it when the test ends. @returns its path */
export async function writeProgram(code: string): Promise<string> {
  const file = join(directory, `${randomUUID()}.js`);
  await writeFile(file, code);
  onTestFinished(() => rm(file));
  return file;
}

/** Runs an application with this library until the test ends. The test fails if the application logs an error. */
export function startApplication(name: string, library: Library, env: Record<string, string> = {}): Promise<Running> {
  return startFile(join(folderOf(library), `${name}.js`), env);
}

/** Like `startApplication`, for a file in the ecosystem folder. */
export async function startFile(file: string, env: Record<string, string>): Promise<Running> {
  const child = new Sandbox().spawn(process.execPath, ['start.js', file], {
    cwd: directory,
    env: { SESSION_SECRET: 's'.repeat(43), NEXT_TELEMETRY_DISABLED: '1', ...env },
  });
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
  // sessapp prints the limits of an express-session store once. They are not errors.
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
