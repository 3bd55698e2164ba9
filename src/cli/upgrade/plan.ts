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

/** An environment that is to be brought up to date, also one of the old form. */
export interface Upgradable {
  directory: string;
  marker: Marker;
  /** It holds a copy of the server: its sessapp.json is of format 1. */
  isOld: boolean;
}

/** Everything that `upgrade` will do, decided before anything is done. */
export interface UpgradePlan {
  directory: string;
  /** The versions of sessapp before and after. */
  from: string;
  to: string;
  /** What is written, by path: new files, and generated ones that nobody has changed. */
  written: Map<string, string | Buffer>;
  /** Generated files that are not part of an environment any more. */
  removed: string[];
  /** Generated files that somebody has changed: they stay. `news` is a diff to ours, where ours is new. */
  kept: { path: string; news: string | undefined }[];
  /** Files that somebody has changed and that cannot stay: the former state keeps them. */
  displaced: string[];
  /** npm brings package-lock.json in line: somebody has changed it, or package.json. */
  needsLock: boolean;
  /** The path of the carried package. */
  carried: string;
}

interface FileState {
  /** Undefined: it is not there. */
  content: Buffer | undefined;
  /** The hash of what was generated; undefined for a file that was not. */
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

/** True when the environment is as this sessapp would leave it. */
export function isUpToDate({ written, removed, needsLock }: UpgradePlan): boolean {
  return written.size === 0 && removed.length === 0 && !needsLock;
}

// Its files are its user's from the moment that it is there: one that is missing may not be needed, as may one that is new.
function findApplication(directory: string, marker: Marker): string[] {
  const isThere = existsSync(join(directory, marker.language === 'typescript' ? 'app.ts' : 'app.js'));
  if (!isThere) return [];
  // The store may be another one now, and a template may leave files out that its earlier form had.
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
    if (isChanged) tellDisplaced(plan, path);
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
  if (isChanged) tellDisplaced(plan, path);
}

// A carried package that was changed is damaged. What starts the server of the old form imports files that go.
function cannotStay(path: string, isOld: boolean): boolean {
  return isCarried(path) || (isOld && /^(server\.[jt]s$|server\/|session\/)/.test(path));
}

function tellDisplaced(plan: UpgradePlan, path: string): void {
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
