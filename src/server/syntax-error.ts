import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { orUndefined } from '../errors.ts';

const relativeImport = /\b(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"\n]+)['"]/g;
const checkMs = 5000;
/** A larger application may have its error in a file that is not reached. */
const mostFiles = 50;

/**
 * Finds the file of the application that cannot be parsed, such as `app.js:7`. The SyntaxError of an import has no location: Node.js
 * only prints it. So this runs `node --check`, which executes nothing, on `app` and the files that it imports.
 * @param directory the environment's, absolute
 */
export async function locateSyntaxError(directory: string): Promise<string | undefined> {
  const files = new Set(['app.js', 'app.ts'].map((name) => join(directory, name)).filter((path) => existsSync(path)));
  let left = mostFiles;
  // A Set also iterates over the files that are added meanwhile.
  for (const file of files) {
    if (left === 0) return undefined;
    left -= 1;
    const line = await findBadLine(file);
    if (line !== undefined) return `${relative(directory, file)}:${line}`;
    const text = (await orUndefined(readFile(file, 'utf8'), 'ENOENT', 'EISDIR', 'EACCES')) ?? '';
    for (const [, path = ''] of text.matchAll(relativeImport)) files.add(join(dirname(file), path));
  }
  return undefined;
}

/** The first line of the output is `<file>:<line>`. Any other output is not about the syntax. */
function findBadLine(file: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    // Options for the application, such as a debugger, would disturb this process.
    const env = { ...process.env, NODE_OPTIONS: '' };
    execFile(process.execPath, ['--check', file], { env, timeout: checkMs }, (error, _, stderr) => {
      const [first = ''] = stderr.split('\n');
      const isAboutFile = error !== null && first.startsWith(`${file}:`);
      resolve(isAboutFile ? /^\d+/.exec(first.slice(file.length + 1))?.[0] : undefined);
    });
  });
}
