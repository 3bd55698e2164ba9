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
  /** When an environment was last made from it, or it was made, in milliseconds since 1970. */
  usedAtMs: number;
}

/** A snapshot that nobody has used for so long goes when another one comes. */
const unusedMs = 60 * 24 * 60 * 60 * 1000;

/** Ready `node_modules`, each made once by npm and copied into every environment with the same lockfile. */
export class Snapshots {
  readonly #directory: string;

  /** @param directory where they are kept; it exists */
  constructor(directory: string) {
    this.#directory = join(directory, 'snapshots');
  }

  /**
   * Makes `target`, a node_modules that is not there, from the snapshot of this key.
   * @returns false when there is none, or none that is as it was made
   * @throws the signal's reason once it has aborted
   */
  async copyTo(target: string, key: string, cancelSignal?: AbortSignal): Promise<boolean> {
    const snapshot = join(this.#directory, key);
    const entries = await readUsable(snapshot);
    if (entries && (await tryCopy(entries, join(snapshot, 'tree'), target, cancelSignal))) return true;
    await removeTree(target);
    await ifPossible(() => this.#discard(key));
    return false;
  }

  /** True when there is one of this key that is as it was made. */
  async has(key: string): Promise<boolean> {
    const snapshot = join(this.#directory, key);
    return (await unlessDamaged(async () => readIntact(snapshot))) !== undefined;
  }

  /** Keeps a copy of a node_modules that npm has just made, where that is possible. */
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

  /** The snapshots that are kept, the last used first. */
  async list(): Promise<SnapshotSummary[]> {
    const keys = (await listNames(this.#directory)).filter((name) => /^[0-9a-f]{40}$/.test(name));
    const summaries = await Promise.all(keys.map((key) => this.#summarize(key)));
    return summaries.filter((summary) => summary !== undefined).sort((a, b) => b.usedAtMs - a.usedAtMs);
  }

  /** Removes all of them; an environment that is being made from one is then made by npm. */
  async clean(): Promise<void> {
    for (const { key } of await this.list()) await this.#discard(key);
    for (const leftover of await findLeftovers(this.#directory)) await removeTree(leftover);
  }

  async #clearUp(): Promise<void> {
    for (const { key, usedAtMs } of await this.list()) {
      if (Date.now() - usedAtMs > unusedMs) await ifPossible(() => this.#discard(key));
    }
  }

  // Undefined when another process removes it meanwhile.
  async #summarize(key: string): Promise<SnapshotSummary | undefined> {
    const snapshot = join(this.#directory, key);
    const summarize = async () => ({ key, bytes: sizeOf(snapshot), usedAtMs: await readUsedAtMs(snapshot) });
    return orUndefined(summarize(), 'ENOENT');
  }

  // Moved first, so that no other process finds half of it.
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
  /** Of the tree as it is now, where another one is in the manifest. */
  newFingerprint: string | undefined;
}

// A cache that was moved, or restored from an archive, has the right content and other times.
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
    // The snapshot is to blame only where it is no longer what it was; else the target is, or we are.
    if (await unlessDamaged(async () => isIntact(entries, tree))) throw error;
    return false;
  }
}

const damages = ['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM', 'ELOOP', 'EINVAL', 'EIO', 'ENAMETOOLONG'];

/** Undefined when a snapshot is to be made anew: it is not there, or not as it was written. */
async function unlessDamaged<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await orUndefined(read(), ...damages);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

// A snapshot saves time, and nobody needs it: another process may have kept the same, the disk may be full, and the
// cache may be one that is only read.
async function ifPossible(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS')) throw error;
  }
}

// A damaged one may have no manifest, or be no folder.
async function readUsedAtMs(snapshot: string): Promise<number> {
  const manifest = await orUndefined(stat(join(snapshot, 'manifest.json')), 'ENOENT', 'ENOTDIR');
  return (manifest ?? (await lstat(snapshot))).mtimeMs;
}

// npm's list of what it installed has the name of the project. It believes the list only while no folder is newer.
function nameProject(target: string): void {
  const { name } = JSON.parse(readFileSync(join(target, '..', 'package-lock.json'), 'utf8')) as { name?: string };
  const path = join(target, listName);
  const list = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeFileSync(path, `${JSON.stringify({ ...list, name }, null, 2)}\n`);
}
