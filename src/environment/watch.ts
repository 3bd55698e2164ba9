import { relative, sep } from 'node:path';

/** How long no further file may change before a change counts, in milliseconds: editors write more than once. */
const quietMs = 100;

/** Changes of an environment's own files: its code and settings, not what is installed or stored. */
export interface Changes {
  /** Resolves at the next change after the call. */
  next(): Promise<'changed'>;
  close(): Promise<void>;
}

export async function watchFiles(directory: string): Promise<Changes> {
  const { watch } = await import('chokidar');
  const watcher = watch(directory, { ignored: (path) => isIgnored(directory, path), ignoreInitial: true });
  await new Promise<void>((resolve) => watcher.once('ready', () => resolve()));
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

function isIgnored(directory: string, path: string): boolean {
  const [top = ''] = relative(directory, path).split(sep);
  return ['node_modules', 'data', '.git', '.node', 'bin'].includes(top) || top.startsWith('.sessapp-');
}
