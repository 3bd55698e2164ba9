import { readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { lstat, mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, orUndefined } from '../../../errors.ts';
import { listNames } from '../../../files.ts';
import { findLeftovers, freeStagingPath, removeTree, withStaging } from '../staging.ts';
import { listName, readSnapshotManifest, writeSnapshotManifest } from './manifest.ts';
import { copyAndDescribe, copyEntries, type Entry, fingerprint, isIntact, sizeOf } from './tree.ts';

export interface SnapshotSummary {
  key: string;
  bytes: number;
  /** When it was last used to make an environment, or was saved, in milliseconds since 1970. */
  usedAtMs: number;
}

/** Saving a snapshot removes those that have not been used for this time. */
const unusedMs = 60 * 24 * 60 * 60 * 1000;

/** Cached `node_modules`. npm makes each once; it is copied into every environment with the same lockfile. */
export class Snapshots {
  readonly #directory: string;

  /** @param directory the cache directory, which must exist */
  constructor(directory: string) {
    this.#directory = join(directory, 'snapshots');
  }

  /**
   * Copies the snapshot of this key to `target`, a node_modules that does not exist yet.
   * @returns false when the snapshot is missing or damaged
   * @throws the signal's reason when it is aborted
   */
  async copyTo(target: string, key: string, cancelSignal?: AbortSignal): Promise<boolean> {
    const snapshot = join(this.#directory, key);
    const entries = await readUsable(snapshot);
    if (entries && (await tryCopy(entries, join(snapshot, 'tree'), target, cancelSignal))) return true;
    await removeTree(target);
    await ifPossible(() => this.#discard(key));
    return false;
  }

  /** True when an intact snapshot of this key exists. */
  async has(key: string): Promise<boolean> {
    const snapshot = join(this.#directory, key);
    return (await unlessDamaged(async () => readIntact(snapshot))) !== undefined;
  }

  /** Saves a copy of a node_modules that npm has just made, if possible. */
  async save(source: string, key: string): Promise<void> {
    await ifPossible(async () => {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
      await this.#clearUp();
      await withStaging(this.#directory, async (staging) => {
        const tree = join(staging, 'tree');
        const entries = copyAndDescribe(source, tree);
        await writeSnapshotManifest(staging, { entries, fingerprint: fingerprint(entries, tree) });
        renameSync(staging, join(this.#directory, key));
      });
    });
  }

  /** All snapshots, most recently used first. */
  async list(): Promise<SnapshotSummary[]> {
    const keys = (await listNames(this.#directory)).filter((name) => /^[0-9a-f]{40}$/.test(name));
    const summaries = await Promise.all(keys.map((key) => this.#summarize(key)));
    return summaries.filter((summary) => summary !== undefined).sort((a, b) => b.usedAtMs - a.usedAtMs);
  }

  /** Removes all snapshots. An `init` that is copying one falls back to npm. */
  async clean(): Promise<void> {
    for (const { key } of await this.list()) await this.#discard(key);
    for (const leftover of await findLeftovers(this.#directory)) await removeTree(leftover);
  }

  async #clearUp(): Promise<void> {
    for (const { key, usedAtMs } of await this.list()) {
      if (Date.now() - usedAtMs > unusedMs) await ifPossible(() => this.#discard(key));
    }
  }

  // Undefined when another process has removed the snapshot meanwhile.
  async #summarize(key: string): Promise<SnapshotSummary | undefined> {
    const snapshot = join(this.#directory, key);
    const summarize = async () => ({ key, bytes: sizeOf(snapshot), usedAtMs: await readUsedAtMs(snapshot) });
    return orUndefined(summarize(), 'ENOENT');
  }

  // Renames the snapshot first, so that no other process finds it partly deleted.
  async #discard(key: string): Promise<void> {
    const aside = await freeStagingPath(this.#directory);
    try {
      await orUndefined(rename(join(this.#directory, key), aside), 'ENOENT');
    } finally {
      await removeTree(aside);
    }
  }
}

interface Intact {
  entries: Entry[];
  /** The current fingerprint, if it differs from the one in the manifest. */
  newFingerprint: string | undefined;
}

// A cache that was moved or restored from an archive has the right content, but other file times.
function readIntact(snapshot: string): Intact | undefined {
  const tree = join(snapshot, 'tree');
  const { entries, fingerprint: known } = readSnapshotManifest(snapshot);
  const current = fingerprint(entries, tree);
  if (current === known) return { entries, newFingerprint: undefined };
  return isIntact(entries, tree) ? { entries, newFingerprint: current } : undefined;
}

async function readUsable(snapshot: string): Promise<Entry[] | undefined> {
  return unlessDamaged(async () => {
    const intact = readIntact(snapshot);
    if (!intact) return undefined;
    const { entries, newFingerprint } = intact;
    await ifPossible(async () => {
      if (newFingerprint !== undefined) await writeSnapshotManifest(snapshot, { entries, fingerprint: newFingerprint });
      const now = new Date();
      utimesSync(join(snapshot, 'manifest.json'), now, now);
    });
    return entries;
  });
}

async function tryCopy(entries: Entry[], tree: string, target: string, cancelSignal?: AbortSignal): Promise<boolean> {
  try {
    await copyEntries(entries, tree, target, cancelSignal);
    nameProject(target);
    return true;
  } catch (error) {
    cancelSignal?.throwIfAborted();
    // If the snapshot is intact, the error has another cause, such as the target.
    if (await unlessDamaged(async () => isIntact(entries, tree))) throw error;
    return false;
  }
}

const damages = ['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM', 'ELOOP', 'EINVAL', 'EIO', 'ENAMETOOLONG'];

/** Undefined when the snapshot is missing or damaged, and must be made again. */
async function unlessDamaged<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await orUndefined(read(), ...damages);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

// Snapshots are optional, so these errors are ignored: another process has saved the same snapshot, the disk is full, or the
// cache is read-only.
async function ifPossible(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS')) throw error;
  }
}

// A damaged snapshot may have no manifest, or not be a folder.
async function readUsedAtMs(snapshot: string): Promise<number> {
  const manifest = await orUndefined(stat(join(snapshot, 'manifest.json')), 'ENOENT', 'ENOTDIR');
  return (manifest ?? (await lstat(snapshot))).mtimeMs;
}

// npm's list of installed packages contains the project's name. npm ignores the list if a folder is newer, so write it last.
function nameProject(target: string): void {
  const { name } = JSON.parse(readFileSync(join(target, '..', 'package-lock.json'), 'utf8')) as { name?: string };
  const path = join(target, listName);
  const list = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeFileSync(path, `${JSON.stringify({ ...list, name }, null, 2)}\n`);
}
