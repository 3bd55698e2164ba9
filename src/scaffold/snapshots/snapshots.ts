import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isOlderThan } from '../../environment/lock.ts';
import { hasCode } from '../../errors.ts';
import { createStaging, findLeftovers, freeStagingPath, listNames, removeTree } from '../staging.ts';
import { copyAndDescribe, copyEntries, type Entry, fingerprint, isIntact, sizeOf } from './tree.ts';

/** What is known of a snapshot: `manifest.json`, beside its `tree`. */
interface Manifest {
  entries: Entry[];
  /** As the tree was when its content was last known to be right. */
  fingerprint: string;
}

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
    try {
      const manifest = readManifest(snapshot);
      if (!this.#isUsable(snapshot, manifest)) throw new SyntaxError('damaged');
      await copyEntries(manifest.entries, join(snapshot, 'tree'), target, cancelSignal);
      nameProject(target);
      return true;
    } catch (error) {
      if (!hasCode(error, 'ENOENT') && !(error instanceof SyntaxError)) throw error;
      await removeTree(target);
      await this.#discard(key);
      return false;
    }
  }

  /** Keeps a copy of a node_modules that npm has just made. */
  async keep(source: string, key: string): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await this.#clearUp();
    const { directory: staging } = await createStaging(this.#directory);
    try {
      const tree = join(staging, 'tree');
      const entries = copyAndDescribe(source, tree);
      writeManifest(staging, { entries, fingerprint: fingerprint(entries, tree) });
      renameSync(staging, join(this.#directory, key));
    } catch (error) {
      // Another process has kept the same, or there is no room for it: nobody needs it.
      if (!hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOSPC', 'EDQUOT')) throw error;
    } finally {
      await removeTree(staging);
    }
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
    for (const leftover of await findLeftovers(this.#directory)) await removeTree(leftover);
    for (const { key } of await this.list()) {
      if (await isOlderThan(unusedMs, join(this.#directory, key, 'manifest.json'))) await this.#discard(key);
    }
  }

  // Undefined when another process removes it meanwhile.
  async #summarize(key: string): Promise<SnapshotSummary | undefined> {
    const snapshot = join(this.#directory, key);
    try {
      const { mtimeMs } = await stat(join(snapshot, 'manifest.json'));
      return { key, bytes: sizeOf(snapshot), usedAtMs: mtimeMs };
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  // A cache that was moved, or restored from an archive, has the right content and other times.
  #isUsable(snapshot: string, { entries, fingerprint: known }: Manifest): boolean {
    const tree = join(snapshot, 'tree');
    const current = fingerprint(entries, tree);
    if (current !== known) {
      if (!isIntact(entries, tree)) return false;
      writeManifest(snapshot, { entries, fingerprint: current });
    }
    const now = new Date();
    utimesSync(join(snapshot, 'manifest.json'), now, now);
    return true;
  }

  // Moved first, so that no other process finds half of it.
  async #discard(key: string): Promise<void> {
    const aside = await freeStagingPath(this.#directory);
    try {
      await rename(join(this.#directory, key), aside);
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
    } finally {
      await removeTree(aside);
    }
  }
}

/** @throws SyntaxError when it is not what `keep` wrote */
function readManifest(snapshot: string): Manifest {
  const manifest = JSON.parse(readFileSync(join(snapshot, 'manifest.json'), 'utf8')) as Partial<Manifest>;
  const { entries, fingerprint: known } = manifest;
  const isInside = ({ path }: Entry): boolean => !path.startsWith('/') && !path.split('/').includes('..');
  if (!known || !Array.isArray(entries) || !entries.every(isInside)) throw new SyntaxError('no manifest');
  return { entries, fingerprint: known };
}

function writeManifest(snapshot: string, manifest: Manifest): void {
  const path = join(snapshot, 'manifest.json');
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, JSON.stringify(manifest), { mode: 0o600 });
  renameSync(draft, path);
}

// npm's list of what it installed has the name of the project. It believes the list only while no folder is newer.
function nameProject(target: string): void {
  const { name } = JSON.parse(readFileSync(join(target, '..', 'package-lock.json'), 'utf8')) as { name?: string };
  const path = join(target, '.package-lock.json');
  const list = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeFileSync(path, `${JSON.stringify({ ...list, name }, null, 2)}\n`);
}
