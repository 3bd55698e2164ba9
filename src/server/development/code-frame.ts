import { readFile } from 'node:fs/promises';
import { orUndefined } from '../../errors.ts';
import type { Frame } from '../frames.ts';

/** How many lines to show before and after the line of the error, and how many characters of each. */
const contextLines = 5;
const maximumLength = 240;

export interface CodeLine {
  number: number;
  text: string;
  isErrorLine: boolean;
}

/**
 * The lines of the application's code around a call; none when the file is missing, or has no such line. Reads only
 * source files: an error can carry a forged stack.
 */
export async function readCodeFrame({ file, line, isOwn }: Frame): Promise<CodeLine[]> {
  if (file === undefined || !isOwn || !/\.[cm]?[jt]sx?$/.test(file)) return [];
  const source = await orUndefined(readFile(file, 'utf8'), 'ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR');
  const lines = source?.split(/\r?\n/) ?? [];
  if (line < 1 || line > lines.length) return [];
  const first = Math.max(1, line - contextLines);
  return lines.slice(first - 1, line + contextLines).map((text, at) => {
    return { number: first + at, text: text.slice(0, maximumLength), isErrorLine: first + at === line };
  });
}
