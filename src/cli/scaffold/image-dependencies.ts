import { UserError } from '../../errors.ts';
import { type LockedPackage, readInstallation } from '../environment/installation.ts';
import { carriedFolder } from './carried.ts';

/**
 * The image is built from package.json, the lockfile and the folder of the carried package. npm finds no other local folder
 * or archive there.
 * @throws UserError when the server needs one
 */
export async function verifyImageDependencies(directory: string): Promise<void> {
  const { packageJson, lockfile } = await readInstallation(directory);
  const wanted = Object.entries({ ...packageJson?.optionalDependencies, ...packageJson?.dependencies });
  const locked = Object.entries(lockfile?.packages ?? {}).filter(([, entry]) => !isLeftOut(entry, lockfile?.packages));
  const local = new Map([
    ...wanted.filter(([, spec]) => /^(git\+)?file:/.test(spec)),
    ...locked.flatMap(([path, entry]) => toLocal(path, entry)),
  ]);
  const missing = [...local].filter(([, spec]) => !spec.startsWith(`file:${carriedFolder}/`));
  if (missing.length === 0) return;
  const named = missing.map(([name, spec]) => `${name} (${spec})`).join(', ');
  throw new UserError(
    'local-dependency',
    `The image cannot contain packages from a local folder or archive: ${named}.`,
    `Pack each one into ${carriedFolder}/ (npm pack <folder> --pack-destination ${carriedFolder}) and type ` +
      `sessapp install ./${carriedFolder}/<archive>. Or publish it, and install it from the registry.`,
  );
}

function toLocal(path: string, { link, resolved = '' }: LockedPackage): [name: string, spec: string][] {
  const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
  if (link) return [[name, `file:${resolved}`]];
  return /^(git\+)?file:/.test(resolved) ? [[name, resolved]] : [];
}

// The image is built without development dependencies. But npm still reads the package.json of a folder, unless the folder
// is installed as a link.
function isLeftOut({ dev, link, resolved = '' }: LockedPackage, packages: Record<string, LockedPackage> = {}): boolean {
  if (link) return packages[resolved]?.dev === true;
  return dev === true && /\.(tgz|tar\.gz|tar)$/.test(resolved);
}
