import { readdir, realpath } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { orUndefined } from '../../../errors.ts';
import { isInside, realDirectory, realpathIfThere } from '../../paths.ts';
import { type Check, dependsOnOther, nameSome, ok, problem } from '../check.ts';
import { sessapp } from '../remedies.ts';

/** Are the packages in the environment, and not elsewhere, by a link? Missing ones are found by `dependencies`. */
export const packages: Check = {
  name: 'packages',
  async examine({ directory }) {
    const root = await realpath(directory);
    const installed = await realDirectory(join(root, 'node_modules'));
    if (installed === undefined) return [dependsOnOther('there is no node_modules.')];
    const places = isInside(root, installed) ? await findOutside(root, installed) : [`node_modules (${installed})`];
    if (places.length === 0) return [ok('All packages that are installed are in the environment.')];
    const why = 'It can change or vanish without this environment, and is not what its lockfile promises.';
    return [problem(`Outside of the environment: ${nameSome(places)}.`, why, sessapp(directory, 'install'))];
  },
};

async function findOutside(root: string, installed: string): Promise<string[]> {
  const entries = await readdir(installed, { recursive: true, withFileTypes: true });
  const links = entries.filter((entry) => entry.isSymbolicLink()).map(({ parentPath, name }) => join(parentPath, name));
  const found = links.map(async (link) => {
    // What this user may not look into is taken for inside.
    const at = await orUndefined(realpathIfThere(link), 'EACCES');
    return at === undefined || isInside(root, at) ? [] : [`${relative(installed, link)} (${at})`];
  });
  return (await Promise.all(found)).flat();
}
