import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { System } from '../../system.ts';
import { changeMarker } from '../environment/change-marker.ts';
import type { Environment } from '../environment/find.ts';
import type { PackageJson } from '../environment/installation.ts';
import { checkReadiness, verifyPackageJson } from '../environment/readiness.ts';
import { findChanged } from '../scaffold/existing.ts';
import { sha256 } from '../scaffold/hash.ts';
import { storePackage } from '../scaffold/layers.ts';
import { changePackages, restorePackages } from '../scaffold/packages.ts';
import { renderJson } from '../scaffold/plan.ts';

const names = ['package.json', 'package-lock.json'];

/** How to add the package. */
interface Options {
  offline: boolean;
  /** Called when the package could not be removed again. */
  warn(warning: string): void;
}

/**
 * Installs the package of a store's driver and does some work. The package stays after the move, because the application may
 * use it too. If the work fails, a package that was not installed before is removed again.
 * @throws UserError when npm fails; nothing has changed then
 */
export async function withDriverPackage<T>(
  system: System,
  environment: Environment,
  store: string,
  { offline, warn }: Options,
  work: (installed: Environment) => Promise<T>,
): Promise<T> {
  const { directory, marker } = environment;
  await verifyPackageJson(system, environment);
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
  const installed = await addDriverPackage(system, environment, store, offline);
  try {
    return await work(installed);
  } catch (error) {
    if (installed === environment) throw error;
    await Promise.all(names.map((name, n) => writeFile(join(directory, name), texts[n] ?? '')));
    await changeMarker(environment, (found) => ({ ...found, files: marker.files }));
    await restorePackages(system, { directory, offline }).catch((failure: Error) => {
      warn(`The package of the ${store} store is still installed: ${failure.message} Type: sessapp install`);
    });
    throw error;
  }
}

async function addDriverPackage(
  system: System,
  environment: Environment,
  store: string,
  offline: boolean,
): Promise<Environment> {
  const { directory, marker } = environment;
  const before = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as PackageJson;
  const { dependencies, overrides } = storePackage(store);
  const after = {
    ...before,
    dependencies: Object.fromEntries(Object.entries({ ...dependencies, ...before.dependencies }).sort()),
    ...(overrides && { overrides: { ...overrides, ...before.overrides } }),
  };
  if (JSON.stringify(after) === JSON.stringify(before) && (await isReady(environment))) return environment;
  // A generated file that the user has not changed must still count as unchanged.
  const known = Object.entries(marker.files).filter(([path]) => names.includes(path));
  const changed = await findChanged(directory, Object.fromEntries(known));
  await changePackages(system, renderJson(after), { directory, offline });
  const ours = known.map(([path]) => path).filter((path) => !changed.includes(path));
  const hashes = await Promise.all(ours.map(async (path) => [path, sha256(await readFile(join(directory, path)))]));
  return changeMarker(environment, (found) => ({
    ...found,
    files: { ...found.files, ...(Object.fromEntries(hashes) as Record<string, string>) },
  }));
}

async function isReady(environment: Environment): Promise<boolean> {
  return ['ready', 'node-missing'].includes(await checkReadiness(environment));
}
