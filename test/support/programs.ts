import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Packages of Debian whose name is not the program's. */
const packages: Record<string, string> = { ksh: 'ksh93u+m', script: 'bsdutils' };

/**
 * The end of the title of a test that needs these programs: what to install. Empty when they all are there:
 * `test.skipIf(without !== '')`. A run ends with what was skipped for it.
 */
export function notInstalled(...programs: string[]): string {
  const missing = programs.filter((program) => !isInstalled(program));
  return missing.length === 0
    ? ''
    : ` (not installed: apt install ${missing.map((name) => packages[name] ?? name).join(' ')})`;
}

/** True when the PATH has such a program: a test that needs it is skipped, and says so, where it is missing. */
export function isInstalled(program: string): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.some((folder) => existsSync(join(folder, program)));
}
