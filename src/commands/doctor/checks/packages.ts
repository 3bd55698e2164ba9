import { readdir, realpath } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { readInstallation } from '../../../environment/installation.ts';
import { commandLine } from '../../../environment/shells.ts';
import { orUndefined } from '../../../errors.ts';
import { type Check, notChecked, ok, problem, type } from '../check.ts';
import { isInside, nameSome, realpathIfThere } from '../resolve.ts';

/** Does every package come from inside of the environment: not by a link, and not from a directory above? */
export const packages: Check = {
  name: 'packages',
  async examine({ directory }, system) {
    const root = await realpath(directory);
    const { lockfile } = await readInstallation(root);
    const locked = Object.keys(lockfile?.packages ?? {}).filter((path) => path !== '');
    if (locked.length === 0) return [notChecked('package-lock.json names no packages.')];
    const packagesAt = await realpathIfThere(join(root, 'node_modules'));
    if (packagesAt === undefined) return [notChecked('there is no node_modules.')];
    const outside = [...(await findAbove(root, locked)), ...(await findLinks(root, packagesAt))];
    if (outside.length === 0) return [ok('All packages that the server needs are in the environment.')];
    const places = outside.map(({ path, at }) => `${path.replace(/^node_modules\//, '')} (${at})`);
    const why = 'It can change or vanish without this environment, and is not what its lockfile promises.';
    const install = type(await commandLine(system, directory, 'install'));
    return [problem(`Outside of the environment: ${nameSome(places)}.`, why, install)];
  },
};

interface Outside {
  /** Where it belongs, relative to the environment. */
  path: string;
  /** Where it is. */
  at: string;
}

/** Packages that are missing here, and that Node.js would take from a directory above. */
async function findAbove(root: string, locked: string[]): Promise<Outside[]> {
  const found: Outside[] = [];
  for (const path of locked) {
    if ((await realpathIfThere(join(root, path))) !== undefined) continue;
    const at = await resolvePackage(root, path.replace(/^.*node_modules\//, ''));
    if (at !== undefined && !isInside(root, at)) found.push({ path, at });
  }
  return found;
}

async function resolvePackage(from: string, name: string): Promise<string | undefined> {
  const found = await realpathIfThere(join(from, 'node_modules', name));
  return found !== undefined || dirname(from) === from ? found : resolvePackage(dirname(from), name);
}

/** Links that lead out, and node_modules itself when it is one. */
async function findLinks(root: string, packagesAt: string): Promise<Outside[]> {
  if (!isInside(root, packagesAt)) return [{ path: 'node_modules', at: packagesAt }];
  const entries = await readdir(packagesAt, { recursive: true, withFileTypes: true });
  const links = entries.filter((entry) => entry.isSymbolicLink()).map(({ parentPath, name }) => join(parentPath, name));
  const found = links.map(async (link) => {
    // What this user may not look into is taken for inside.
    const at = await orUndefined(realpathIfThere(link), 'EACCES');
    return at === undefined || isInside(root, at) ? [] : [{ path: relative(root, link), at }];
  });
  return (await Promise.all(found)).flat();
}
