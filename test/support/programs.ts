import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Debian packages that are not named like their program. */
const packages: Record<string, string> = { ksh: 'ksh93u+m', script: 'bsdutils', uniq: 'coreutils' };

/**
 * The end of the title of a test that needs these programs: the packages to install. Empty when all are installed:
 * `test.skipIf(without !== '')`. The end of a test run lists the skipped tests.
 */
export function notInstalled(...programs: string[]): string {
  const missing = programs.filter((program) => !isInstalled(program));
  return missing.length === 0
    ? ''
    : ` (not installed: apt install ${missing.map((name) => packages[name] ?? name).join(' ')})`;
}

/** True when the program is on the PATH. Skip a test that needs it otherwise, and say so in its title. */
export function isInstalled(program: string): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.some((folder) => existsSync(join(folder, program)));
}
