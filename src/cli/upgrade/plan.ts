import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTwoFilesPatch } from 'diff';
import { orUndefined } from '../../errors.ts';
import { readTextIfThere } from '../../files.ts';
import { type Marker, markerName, renderMarker } from '../../settings/marker.ts';
import { carriedFolder, packCarried } from '../scaffold/carried.ts';
import { sha256 } from '../scaffold/hash.ts';
import { listApplicationFiles } from '../scaffold/layers.ts';
import { hashesOf, renderFiles } from '../scaffold/plan.ts';
import { packageFiles, planPackages } from './packages.ts';

/** An environment to upgrade. It may have the old format. */
export interface Upgradable {
  directory: string;
  marker: Marker;
  /** The environment has the old format 1, with its own copy of the server. */
  isOld: boolean;
}

/** Everything that `upgrade` will do, decided before anything changes. */
export interface UpgradePlan {
  directory: string;
  /** The versions of sessapp before and after. */
  from: string;
  to: string;
  /** The files to write, by path: new files, and generated files that the user did not change. */
  written: Map<string, string | Buffer>;
  /** Generated files that are no longer part of an environment. */
  removed: string[];
  /** Generated files that the user changed. They stay. `news` is a diff to the new generated file, if that differs. */
  kept: { path: string; news: string | undefined }[];
  /** Files that the user changed and that cannot stay. `upgrade --undo` brings them back. */
  displaced: string[];
  /** npm must update package-lock.json, because the user changed it or package.json. */
  needsLock: boolean;
  /** The path of the carried package. */
  carried: string;
}

interface FileState {
  /** Undefined: the file does not exist. */
  content: Buffer | undefined;
  /** The hash of the generated content. Undefined: the file was not generated. */
  generated: string | undefined;
  isChanged: boolean;
}

/** @throws UserError when package.json is not JSON */
export async function planUpgrade({ directory, marker, isOld }: Upgradable): Promise<UpgradePlan> {
  const carried = packCarried();
  const rendered = renderFiles({ ...marker, directory }, carried);
  const application = findApplication(directory, marker);
  for (const path of application) if (marker.files[path] === undefined) rendered.delete(path);
  const packages = await planPackages(directory, marker, rendered, carried);
  const { needsLock, hashes } = packages;
  const plan: UpgradePlan = {
    ...{ directory, from: marker.sessapp, to: carried.packageJson.version, carried: carried.path },
    ...{ written: packages.written, removed: [], kept: [], displaced: [], needsLock },
  };
  for (const path of new Set([...rendered.keys(), ...Object.keys(marker.files)])) {
    if (packageFiles.includes(path) || application.includes(path)) continue;
    const state = await readState(directory, path, marker);
    const wanted = rendered.get(path);
    if (wanted !== undefined) decideFile(plan, path, wanted, state, isOld);
    else decideRemoval(plan, path, state, isOld);
  }
  const text = renderMarker(toMarker(marker, plan.to, rendered, hashes));
  if (text !== (await readTextIfThere(join(directory, markerName)))) plan.written.set(markerName, text);
  return plan;
}

/** True when the upgrade would change nothing. */
export function isUpToDate({ written, removed, needsLock }: UpgradePlan): boolean {
  return written.size === 0 && removed.length === 0 && !needsLock;
}

// An existing application belongs to the user. Its missing files are not restored, and new files are not added.
function findApplication(directory: string, marker: Marker): string[] {
  const isThere = existsSync(join(directory, marker.language === 'typescript' ? 'app.ts' : 'app.js'));
  if (!isThere) return [];
  // The store may have changed, and an older version of the template may have had more files.
  const earlier = Object.keys(marker.files).filter((path) => path.startsWith('app/'));
  return [...listApplicationFiles(marker), ...earlier];
}

async function readState(directory: string, path: string, { files }: Marker): Promise<FileState> {
  const content = await orUndefined(readFile(join(directory, path)), 'ENOENT', 'ENOTDIR', 'EISDIR');
  const generated = files[path];
  return { content, generated, isChanged: content !== undefined && sha256(content) !== generated };
}

function decideFile(plan: UpgradePlan, path: string, wanted: string | Buffer, state: FileState, isOld: boolean): void {
  const { content, generated, isChanged } = state;
  if (content?.equals(Buffer.from(wanted))) return;
  if (content === undefined || !isChanged || cannotStay(path, isOld)) {
    plan.written.set(path, wanted);
    if (isChanged) reportDisplaced(plan, path);
    return;
  }
  const isNew = generated !== sha256(wanted);
  plan.kept.push({ path, news: isNew ? renderNews(path, content, wanted) : undefined });
}

function decideRemoval(plan: UpgradePlan, path: string, { content, isChanged }: FileState, isOld: boolean): void {
  if (content === undefined) return;
  if (isChanged && !cannotStay(path, isOld)) {
    plan.kept.push({ path, news: undefined });
    return;
  }
  plan.removed.push(path);
  if (isChanged) reportDisplaced(plan, path);
}

// A changed carried package is damaged. In the old format, server files import files that the upgrade removes.
function cannotStay(path: string, isOld: boolean): boolean {
  return isCarried(path) || (isOld && /^(server\.[jt]s$|server\/|session\/)/.test(path));
}

function reportDisplaced(plan: UpgradePlan, path: string): void {
  if (!isCarried(path)) plan.displaced.push(path);
}

function isCarried(path: string): boolean {
  return path.startsWith(`${carriedFolder}/`);
}

function renderNews(path: string, current: Buffer, wanted: string | Buffer): string {
  const patch = createTwoFilesPatch(path, `${path} (new)`, current.toString(), wanted.toString());
  return patch.replace(/^=+\n/, '');
}

function toMarker(
  marker: Marker,
  version: string,
  rendered: Map<string, string | Buffer>,
  packageHashes: Record<string, string>,
): Marker {
  const files = Object.entries({ ...hashesOf(rendered), ...packageHashes }).sort();
  return { ...marker, format: 2, sessapp: version, files: Object.fromEntries(files) };
}
