import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { orUndefined } from '../../../errors.ts';
import { readInstallation } from '../../environment/installation.ts';
import { type Check, dependsOnOther, ok, problem } from '../check.ts';
import { sessapp } from '../remedies.ts';

/** Is the tarball of sessapp that the environment carries there, and the one that the lockfile means? */
export const carried: Check = {
  name: 'carried',
  async examine({ directory }) {
    const { lockfile } = await readInstallation(directory);
    if (!lockfile) return [dependsOnOther('there is no package-lock.json that can be read.')];
    const { resolved = '', integrity } = lockfile.packages?.['node_modules/sessapp'] ?? {};
    const path = /^file:(.+)/.exec(resolved)?.[1];
    if (path === undefined) return [ok('The environment carries no package.')];
    const content = await orUndefined(readFile(join(directory, path)), 'ENOENT', 'ENOTDIR', 'EISDIR');
    if (content && isIntegrity(content, integrity))
      return [ok('The carried package is the one that package-lock.json names.')];
    const fact = content ? `${path} is not the file that package-lock.json names.` : `${path} is missing.`;
    const why = 'Nobody can install the environment from its lockfile: npm ci fails, as in a container.';
    return [
      problem(fact, why, 'Restore it from your version control, or write it again.', sessapp(directory, 'upgrade')),
    ];
  },
};

// As npm writes it: the algorithm and the hash.
function isIntegrity(content: Buffer, integrity = ''): boolean {
  const [, algorithm = '', hash] = /^(sha\d+)-(.*)$/.exec(integrity) ?? [];
  return algorithm === '' || createHash(algorithm).update(content).digest('base64') === hash;
}
