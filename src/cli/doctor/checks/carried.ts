import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { orUndefined } from '../../../errors.ts';
import { readInstallation } from '../../environment/installation.ts';
import { type Check, dependsOnOther, ok, problem } from '../check.ts';
import { sessapp } from '../remedies.ts';

/** Is the carried package in the environment, and is its hash the one in the lockfile? */
export const carried: Check = {
  name: 'carried',
  async examine({ directory }) {
    const { lockfile } = await readInstallation(directory);
    if (!lockfile) return [dependsOnOther('package-lock.json cannot be read.')];
    const { resolved = '', integrity } = lockfile.packages?.['node_modules/sessapp'] ?? {};
    const path = /^file:(.+)/.exec(resolved)?.[1];
    if (path === undefined) return [ok('The environment has no carried package.')];
    const content = await orUndefined(readFile(join(directory, path)), 'ENOENT', 'ENOTDIR', 'EISDIR');
    if (content && isIntegrity(content, integrity)) return [ok('The carried package matches package-lock.json.')];
    const fact = content ? `${path} does not match its hash in package-lock.json.` : `${path} is missing.`;
    const why = 'npm ci fails, for example in a container build.';
    return [
      problem(
        fact,
        why,
        'Restore the file from your version control, or write it again.',
        sessapp(directory, 'upgrade'),
      ),
    ];
  },
};

// npm's format: the algorithm, a hyphen, the hash.
function isIntegrity(content: Buffer, integrity = ''): boolean {
  const [, algorithm = '', hash] = /^(sha\d+)-(.*)$/.exec(integrity) ?? [];
  return algorithm === '' || createHash(algorithm).update(content).digest('base64') === hash;
}
