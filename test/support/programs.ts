import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** True when the PATH has such a program: a test that needs it is skipped, and says so, where it is missing. */
export function isInstalled(program: string): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.some((folder) => existsSync(join(folder, program)));
}
