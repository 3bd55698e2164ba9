import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { waitFor } from './server.ts';

/** Collects the output of a child process from now on, and its exit. */
export interface Collected {
  stdout(): string;
  stderr(): string;
  ended: Promise<[exitCode: number | null, signal: NodeJS.Signals | null]>;
}

export function collect(child: ChildProcess): Collected {
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
    });
  }
  const ended = once(child, 'close') as Collected['ended'];
  return { stdout: () => texts.stdout, stderr: () => texts.stderr, ended };
}

/** Waits for the first JSON lines on stdout. */
export async function jsonLines(child: ChildProcess, count: number): Promise<Record<string, unknown>[]> {
  const { stdout } = collect(child);
  const lines = await waitFor(() => {
    const found = stdout().split('\n').slice(0, -1);
    return found.length >= count && found;
  });
  return lines.slice(0, count).map((line) => JSON.parse(line) as Record<string, unknown>);
}
