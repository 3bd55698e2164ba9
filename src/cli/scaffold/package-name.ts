import { isBuiltin } from 'node:module';

/** npm's limit for a package name (https://docs.npmjs.com/cli/configuring-npm/package-json#name). */
const maxLength = 214;

/** A valid package name that is similar to the name of the directory: `My Shop (2)` becomes `my-shop-2`. */
export function toPackageName(directoryName: string): string {
  const name = directoryName
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .slice(0, maxLength)
    .replace(/^[-._]+|[-._]+$/g, '');
  return name === '' || reserved.has(name) || isBuiltin(name) ? `session-server${name && `-${name}`}` : name;
}

const reserved = new Set(['node_modules', 'favicon.ico', 'express', 'sessapp']);
