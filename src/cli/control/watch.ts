import { existsSync, realpathSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FSWatcher } from 'chokidar';
import { hasCode, UserError } from '../../errors.ts';
import { isInside } from '../paths.ts';

/** How long to wait after the last change of a file, in milliseconds: editors write several times. */
const quietMs = 100;

/** Absolute paths to watch in addition to imports, `.env`, views and the files that pages load; and paths to ignore. */
export interface WatchPaths {
  watched: string[];
  ignored: string[];
}

/** Watches the files that the server uses. */
export interface Changes {
  /** Resolves at the next change after the call, with the path of the file relative to the environment. */
  next(): Promise<string>;
  /** Adds a file that the server imports. @param file its absolute path */
  imported(file: string): void;
  /** While no server runs, any change of code counts: the next server may import it. */
  setRunning(isRunning: boolean): void;
  close(): Promise<void>;
}

/**
 * Files that the server itself writes, such as uploads, must not restart it, or it would restart for ever. So we list the
 * files that count, not the files to ignore.
 * @throws UserError when the system's limit of watched files is reached
 */
export async function watchFiles(directory: string, { watched, ignored }: WatchPaths): Promise<Changes> {
  const { watch } = await import('chokidar');
  const imports = new Set<string>();
  let isRunning = true;
  const always = [...settings.map((name) => join(directory, name)), ...watched];
  const counts = (path: string): boolean =>
    always.some((place) => isInside(place, path)) ||
    [path, realPath(path)].some((name) => imports.has(name)) ||
    (isInside(join(directory, 'public'), path) && isLoaded.test(path)) ||
    (!isRunning && isCode.test(path));
  const watcher = watch([directory, ...watched], {
    ignored: (path) => isIgnored(directory, path) || ignored.some((place) => isInside(place, path)),
    ignoreInitial: true,
    // Skip a directory that we may not read: the server cannot read it either.
    ignorePermissionErrors: true,
  });
  await untilReady(watcher);
  return {
    next: () => untilChanged(watcher, counts).then((path) => relative(directory, path)),
    imported(file) {
      imports.add(file);
      if (!isInside(directory, file) && !isInstalled.test(file)) watcher.add(file);
    },
    setRunning(value) {
      isRunning = value;
    },
    close: () => watcher.close(),
  };
}

/** The files that the server reads when it starts, and the default folder of Express's views. */
const settings = ['.env', 'sessapp.json', 'package.json', 'views'];
const isCode = /\.[cm]?[jt]s$/;
// Files in `public` that pages load: a change reloads the open page. Uploads are usually of other types.
const isLoaded = /\.(css|html|m?js)$/;
const isInstalled = /[\\/]node_modules[\\/]/;

function untilChanged(watcher: FSWatcher, counts: (path: string) => boolean): Promise<string> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    let first: string | undefined;
    const onChange = (_: string, path: string): void => {
      if (!counts(path)) return;
      first ??= path;
      clearTimeout(timer);
      timer = setTimeout(() => {
        watcher.off('all', onChange);
        resolve(first ?? path);
      }, quietMs);
    };
    watcher.on('all', onChange);
  });
}

// Node.js reports an import by its real path.
function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}

/** The environment variable with which `node --watch` makes a process report its imports. */
export const reportImports = { WATCH_REPORT_DEPENDENCIES: '1' };

/** The files in such a report; none for other messages. */
export function importsIn(message: unknown): string[] {
  const report = (message ?? {}) as { 'watch:import'?: string[]; 'watch:require'?: (string | null)[] };
  const urls = (report['watch:import'] ?? []).filter((url) => url.startsWith('file:'));
  // A built-in module has a name without a path, or null.
  const paths = (report['watch:require'] ?? []).filter((path) => path !== null && isAbsolute(path));
  return [...urls.map((url) => fileURLToPath(url)), ...(paths as string[])];
}

async function untilReady(watcher: FSWatcher): Promise<void> {
  try {
    // More errors may follow, one per file. Keep the listener: rejecting again does nothing.
    await new Promise<void>((resolve, reject) => watcher.on('error', reject).once('ready', () => resolve()));
  } catch (error) {
    await watcher.close();
    throw explain(error);
  }
  // After this, an error only means that a new file is not watched. The server keeps running.
  watcher.once('error', (error) => process.emitWarning(`A new file is not watched: ${describe(explain(error))}`));
}

const limits: Record<string, string> = { ENOSPC: 'max_user_watches', EMFILE: 'max_user_instances' };

// Linux reports its limits of inotify as a full disk and as too many open files.
function explain(error: unknown): unknown {
  if (!hasCode(error, ...Object.keys(limits)) || process.platform !== 'linux') return error;
  const name = `fs.inotify.${limits[error.code ?? '']}`;
  return new UserError(
    'watch-limit',
    `The files cannot be watched: the limit of ${name} is reached.`,
    `Raise it: sudo sysctl ${name}=524288, or leave out --watch.`,
  );
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof UserError ? `${error.message} ${error.hint}` : error.message;
}

function isIgnored(directory: string, path: string): boolean {
  const [top = ''] = relative(directory, path).split(sep);
  return ['node_modules', 'data', '.git', '.node', '.sessapp', 'bin'].includes(top) || top.startsWith('.sessapp-');
}
