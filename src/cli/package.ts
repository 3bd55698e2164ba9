import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The directory of the running package: this repository, an installed package, or an environment's own copy. */
export const packageDirectory = findPackage(import.meta.dirname);

/** The built templates, which are written into environments. */
export const templatesDirectory = join(packageDirectory, 'dist', 'templates');

/** The fields that init and info read from the package's own package.json. */
export interface OwnPackageJson {
  version: string;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  [field: string]: unknown;
}

export function readOwnPackageJson(directory = packageDirectory): OwnPackageJson {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as OwnPackageJson;
}

/** The packages that an environment may need, each with the newest of its allowed ranges. */
export function environmentRanges(peers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(peers).map(([name, range]) => [name, range.split('||').at(-1)?.trim() ?? '']),
  );
}

function findPackage(start: string): string {
  if (existsSync(join(start, 'package.json'))) return start;
  return findPackage(dirname(start));
}
