import { relative, sep } from 'node:path';
import type { FSWatcher } from 'chokidar';
import { hasCode, UserError } from '../../errors.ts';

/** How long no further file may change before a change counts, in milliseconds: editors write more than once. */
const quietMs = 100;

/** Changes of an environment's own files: its code and settings, not what is installed or stored. */
export interface Changes {
  /** Resolves at the next change after the call. */
  next(): Promise<'changed'>;
  close(): Promise<void>;
}

/** @throws UserError when the system does not let so many files be watched */
export async function watchFiles(directory: string): Promise<Changes> {
  const { watch } = await import('chokidar');
  const watcher = watch(directory, {
    ignored: (path) => isIgnored(directory, path),
    ignoreInitial: true,
    // A directory that may not be read is not watched: the server cannot read it either.
    ignorePermissionErrors: true,
  });
  await untilReady(watcher);
  return {
    next: () =>
      new Promise((resolve) => {
        let timer: NodeJS.Timeout | undefined;
        const onChange = (): void => {
          clearTimeout(timer);
          timer = setTimeout(() => {
            watcher.off('all', onChange);
            resolve('changed');
          }, quietMs);
        };
        watcher.on('all', onChange);
      }),
    close: () => watcher.close(),
  };
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
