import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const sources = [
  'src',
  'templates',
  'scripts',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
];

/** True when the directory dist/ of a clone is newer than everything that it is made of. */
export function isBuilt(root) {
  try {
    const builtAtMs = statSync(join(root, 'dist', 'build-id')).mtimeMs;
    return sources.every((name) => changedAtMs(join(root, name)) < builtAtMs);
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

/** When a file, or an entry of a folder, was last changed, added or removed, in milliseconds since 1970. */
function changedAtMs(path) {
  const stats = statSync(path);
  const own = Math.max(stats.mtimeMs, stats.ctimeMs);
  if (!stats.isDirectory()) return own;
  return Math.max(own, ...readdirSync(path).map((name) => changedAtMs(join(path, name))));
}
