import { readdir, realpath } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { orUndefined } from '../../../errors.ts';
import { isInside, realDirectory, realpathIfThere } from '../../paths.ts';
import { type Check, dependsOnOther, nameSome, ok, problem } from '../check.ts';
import { sessapp } from '../remedies.ts';

/** Are all packages inside the environment, not links to elsewhere? The check `dependencies` covers missing packages. */
export const packages: Check = {
  name: 'packages',
  async examine({ directory }) {
    const root = await realpath(directory);
    const installed = await realDirectory(join(root, 'node_modules'));
    if (installed === undefined) return [dependsOnOther('there is no node_modules.')];
    const places = isInside(root, installed) ? await findOutside(root, installed) : [`node_modules (${installed})`];
    if (places.length === 0) return [ok('All installed packages are in the environment.')];
    const why = 'Another project can change or delete them, and they may differ from the lockfile.';
    return [
      problem(
        `Outside the environment: ${nameSome(places)}.`,
        why,
        'Install them again.',
        sessapp(directory, 'install'),
      ),
    ];
  },
};

async function findOutside(root: string, installed: string): Promise<string[]> {
  const entries = await readdir(installed, { recursive: true, withFileTypes: true });
  const links = entries.filter((entry) => entry.isSymbolicLink()).map(({ parentPath, name }) => join(parentPath, name));
  const found = links.map(async (link) => {
    // A link that this user may not follow counts as inside.
    const at = await orUndefined(realpathIfThere(link), 'EACCES');
    return at === undefined || isInside(root, at) ? [] : [`${relative(installed, link)} (${at})`];
  });
  return (await Promise.all(found)).flat();
}
