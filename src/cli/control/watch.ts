import { existsSync, realpathSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FSWatcher } from 'chokidar';
import { hasCode, UserError } from '../../errors.ts';
import { isInside } from '../paths.ts';

/** How long no further file may change before a change counts, in milliseconds: editors write more than once. */
const quietMs = 100;

/** What is watched beside what the server imports, `.env`, the views and what pages load: paths, absolute. */
export interface WatchPaths {
  watched: string[];
  ignored: string[];
}

/** Changes of the files that a server runs from. */
export interface Changes {
  /** Resolves at the next change after the call, with the path of the file in the environment. */
  next(): Promise<string>;
  /** The server imports this file. @param file its path, absolute */
  imported(file: string): void;
  /** Whether a server runs. The next one may import any code; one that does not run writes none. */
  setRunning(isRunning: boolean): void;
  close(): Promise<void>;
}

/**
 * The files that the server writes, such as uploads, must not restart it: it would never come to rest. So what counts is
 * a list of what it runs from, not of what to leave out.
 * @throws UserError when the system does not let so many files be watched
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
    // A directory that may not be read is not watched: the server cannot read it either.
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

/** Beside the imports: what the server reads when it starts, and Express's folder of templates. */
const settings = ['.env', 'sessapp.json', 'package.json', 'views'];
const isCode = /\.[cm]?[jt]s$/;
// What a page loads from `public`, so that the open page loads it again; uploads are other kinds of files.
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

// An import is known by its real path.
function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}

/** The variable by which `node --watch` has a process report its imports. */
export const reportImports = { WATCH_REPORT_DEPENDENCIES: '1' };

/** The files that such a report names; none in any other message. */
export function importsIn(message: unknown): string[] {
  const report = (message ?? {}) as { 'watch:import'?: string[]; 'watch:require'?: (string | null)[] };
  const urls = (report['watch:import'] ?? []).filter((url) => url.startsWith('file:'));
  // A module of Node.js's own has a name or none.
  const paths = (report['watch:require'] ?? []).filter((path) => path !== null && isAbsolute(path));
  return [...urls.map((url) => fileURLToPath(url)), ...(paths as string[])];
}

async function untilReady(watcher: FSWatcher): Promise<void> {
  try {
    // There may be an error for each further file: the listener stays, and what is settled takes no notice.
    await new Promise<void>((resolve, reject) => watcher.on('error', reject).once('ready', () => resolve()));
  } catch (error) {
    await watcher.close();
    throw explain(error);
  }
  // What is watched by now stays watched, and the server runs: only changes of what came later are missed.
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
