import { existsSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type { Express } from 'express';
import { hasCode, UserError } from '../errors.ts';
import { framesOf } from './frames.ts';
import { locateSyntaxError } from './syntax-error.ts';

interface HasRoutes {
  routes(app: Express): void | Promise<void>;
}

/**
 * Imports the application.
 * @param directory the environment's, absolute
 * @throws UserError when it does not export `routes`, or imports a missing module; otherwise the application's own error
 */
export async function loadApplication<T extends HasRoutes>(directory: string, load: () => Promise<T>): Promise<T> {
  const application = await load().catch((error: unknown) => {
    throw explainMissing(directory, error) ?? error;
  });
  if (typeof (application as Partial<HasRoutes>).routes === 'function') return application;
  const file = ['app.js', 'app.ts'].find((name) => existsSync(join(directory, name))) ?? 'The application';
  throw new UserError(
    'no-routes',
    `${file} does not export a function named routes.`,
    `For example: export function routes(app) { … }`,
  );
}

/** Describes an error of the application in one line: its name, its message, and its location in the application. */
export async function describeFailure(directory: string, error: unknown): Promise<string> {
  const [line] = String(error).split('\n');
  const location =
    (error instanceof Error ? findLocation(directory, error) : undefined) ??
    (error instanceof SyntaxError ? await locateSyntaxError(directory) : undefined);
  return location === undefined ? `${line}` : `${line} (${location})`;
}

/** Explains a missing module; undefined for any other error. Node.js reports the name of the module only in the message. */
function explainMissing(directory: string, error: unknown): UserError | undefined {
  if (!hasCode(error, 'ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND')) return undefined;
  const [, wanted = '', importer] =
    /^Cannot find (?:package|module) '(.+?)'(?: imported from (.+))?/.exec(error.message) ?? [];
  const [first] = (error as { requireStack?: string[] }).requireStack ?? [];
  const by = importer ?? first;
  if (by === undefined) return undefined;
  const file = relative(directory, by);
  const name = /^(@[^/]+\/)?[^/.@][^/]*/.exec(wanted)?.[0];
  if (name !== undefined)
    return new UserError(
      'package-missing',
      `${file} imports ${name}, which is not installed.`,
      `Type: sessapp install ${name}`,
    );
  const path = wanted.startsWith('.') ? wanted : relative(directory, wanted);
  const guess = ['.js', '.ts', `${sep}index.js`, `${sep}index.ts`].find((end) => existsSync(`${wanted}${end}`));
  const hint =
    guess === undefined
      ? `Correct the import in ${file}, or restore the file.`
      : `Import it by its full name: ${path}${guess}`;
  return new UserError('file-missing', `${file} imports ${path}, which does not exist.`, hint);
}

/** The first stack frame in the application's own code, such as `app.js:7`. */
function findLocation(directory: string, error: Error): string | undefined {
  const own = framesOf(directory, error).find(({ isOwn }) => isOwn);
  return own && `${own.location}:${own.line}`;
}
