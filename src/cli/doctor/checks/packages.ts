import { readdir, realpath } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { commandLine } from '../../shells/shells.ts';
import { hasCode } from '../../../errors.ts';
import { type Check, type Finding, notChecked, ok, problem, type } from '../check.ts';
import { asObject, isInside, nameSome, readObject, realpathIfThere, resolvePackage } from '../resolve.ts';

/** What is wrong, by the package's name; its place in node_modules, where it is in another package. */
interface Faults {
  /** With where it is instead. */
  outside: Map<string, string>;
  missing: Set<string>;
  differs: Set<string>;
}

/** Is every package of the lockfile, and all that it depends on, in the environment, and is it the one that is meant? */
export const packages: Check = {
  name: 'packages',
  async examine({ directory }, system) {
    const root = await realpath(directory);
    const locked = Object.entries(asObject((await readObject(join(root, 'package-lock.json'))).packages));
    if (locked.length === 0) return [notChecked('package-lock.json names no packages.')];
    if ((await realpathIfThere(join(root, 'node_modules'))) === undefined)
      return [notChecked('there is no node_modules.')];
    const faults: Faults = { outside: new Map(), missing: new Set(), differs: new Set() };
    for (const [path, entry] of locked) await examinePackage(root, path, asObject(entry), faults);
    await examineLinks(root, faults);
    const findings = tell(faults, type(await commandLine(system, directory, 'install')));
    return findings.length > 0 ? findings : [ok('All packages that the server needs are in the environment.')];
  },
};

async function examinePackage(root: string, path: string, entry: Record<string, unknown>, faults: Faults) {
  const found = await realpathIfThere(join(root, path));
  if (found === undefined) {
    if (!mayBeMissing(entry)) faults.missing.add(shorten(path));
    return;
  }
  if (!isInside(root, found)) {
    faults.outside.set(shorten(path), found);
    return;
  }
  const manifest = await readObject(join(found, 'package.json'));
  if (path !== '' && entry.version !== undefined && manifest.version !== entry.version)
    faults.differs.add(shorten(path));
  await examineDependencies(root, found, manifest, faults);
}

// `npm ci --omit=dev` leaves out what is only for development.
function mayBeMissing({ optional, dev, devOptional, peer }: Record<string, unknown>): boolean {
  return Boolean(optional || dev || devOptional || peer);
}

async function examineDependencies(root: string, from: string, manifest: Record<string, unknown>, faults: Faults) {
  const optional = { ...asObject(manifest.optionalDependencies), ...asObject(manifest.peerDependencies) };
  for (const name of Object.keys({ ...asObject(manifest.dependencies), ...optional })) {
    const found = await resolvePackage(from, name);
    if (found === undefined && !(name in optional)) faults.missing.add(name);
    if (found !== undefined && !isInside(root, found)) faults.outside.set(name, found);
  }
}

async function examineLinks(root: string, { outside }: Faults): Promise<void> {
  const entries = await readdir(join(root, 'node_modules'), { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((found) => found.isSymbolicLink())) {
    const path = join(entry.parentPath, entry.name);
    const found = await realpathIfThere(path).catch((error: unknown) => {
      if (hasCode(error, 'EACCES')) return path;
      throw error;
    });
    if (found !== undefined && !isInside(root, found)) outside.set(shorten(relative(root, path)), found);
  }
}

function tell({ outside, missing, differs }: Faults, install: string): Finding[] {
  const why = 'It can change or vanish without this environment, and is not what its lockfile promises.';
  const places = [...outside].map(([name, at]) => `${name} (${at})`);
  return [
    ...(places.length === 0 ? [] : [problem(`Outside of the environment: ${nameSome(places)}.`, why, install)]),
    ...lacking([...missing], 'Not installed', install),
    ...lacking([...differs], 'Not the version that package-lock.json says', install),
  ];
}

function lacking(names: string[], fact: string, install: string): Finding[] {
  if (names.length === 0) return [];
  const why = 'The server would not start, or run with other code than was tested.';
  return [problem(`${fact}: ${nameSome(names)}.`, why, install)];
}

function shorten(path: string): string {
  return path.replace(/^node_modules\//, '');
}
