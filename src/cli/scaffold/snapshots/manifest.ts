import { readFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { withDraft } from '../../environment/write-file.ts';
import type { Entry } from './tree.ts';

/** The description of a snapshot, in `manifest.json` next to its `tree`. */
export interface SnapshotManifest {
  entries: Entry[];
  /** The fingerprint of the tree when its content was last verified. */
  fingerprint: string;
}

/** npm's list of installed packages. A tree without it cannot be checked. */
export const listName = '.package-lock.json';

/** @throws SyntaxError when it is not a manifest that `save` wrote */
export function readSnapshotManifest(snapshot: string): SnapshotManifest {
  const manifest: unknown = JSON.parse(readFileSync(join(snapshot, 'manifest.json'), 'utf8'));
  const { entries, fingerprint } = (manifest ?? {}) as Record<keyof SnapshotManifest, unknown>;
  if (typeof fingerprint !== 'string' || !Array.isArray(entries) || !entries.every(isEntry))
    throw new SyntaxError('no manifest');
  if (!entries.some(({ path }) => path === listName)) throw new SyntaxError(`no ${listName}`);
  return { entries, fingerprint };
}

export async function writeSnapshotManifest(snapshot: string, manifest: SnapshotManifest): Promise<void> {
  const path = join(snapshot, 'manifest.json');
  await withDraft(path, JSON.stringify(manifest), 0o600, (draft) => rename(draft, path));
}

function isEntry(value: unknown): value is Entry {
  const { path, mode, sha256, target } = (value ?? {}) as Record<keyof Entry, unknown>;
  const isMode = Number.isInteger(mode) && Number(mode) >= 0 && Number(mode) <= 0o777;
  return typeof path === 'string' && isInside(path) && isMode && [sha256, target].every(isTextIfThere);
}

function isInside(path: string): boolean {
  return !path.startsWith('/') && !path.includes('\0') && !path.split('/').includes('..');
}

function isTextIfThere(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}
