/**
 * How long what was seen in a store counts as what is there. Another process may change it: a request that takes longer
 * looks again before it overwrites.
 */
const freshMs = 100;
const unknown = Number.POSITIVE_INFINITY;

/**
 * The versions that a process has just seen or written in a store that cannot compare before it writes. A change that
 * follows a read need not read again: that is one call to the store for most changes, instead of two.
 */
export class LatestVersions {
  #recent = new Map<string, number>();
  #older = new Map<string, number>();
  #turnedMs = performance.now();

  /**
   * Notes what a read returned. A slow one may return what has been overwritten meanwhile, which versions tell: they grow.
   * @param startedMs when the read began; an entry that proves it outdated lives longer than it counts
   */
  saw(key: string, version: number, startedMs: number): void {
    this.#turn();
    if (performance.now() - startedMs < freshMs) this.#recent.set(key, Math.max(version, this.#get(key) ?? version));
  }

  wrote(key: string, version: number): void {
    this.#turn();
    this.#recent.set(key, version);
  }

  /** After a removal, or a write that failed: the store has to be asked. */
  forget(key: string): void {
    this.wrote(key, unknown);
  }

  /** Whether this version is stored, as far as this process knows. False: the store has to be asked. */
  isLatest(key: string, version: number): boolean {
    this.#turn();
    return this.#get(key) === version;
  }

  #get(key: string): number | undefined {
    return this.#recent.get(key) ?? this.#older.get(key);
  }

  // Each entry stays for once to twice the time: forgetting them one by one takes longer.
  #turn(): void {
    const nowMs = performance.now();
    if (nowMs - this.#turnedMs < freshMs) return;
    this.#older = nowMs - this.#turnedMs < 2 * freshMs ? this.#recent : new Map();
    this.#recent = new Map();
    this.#turnedMs = nowMs;
  }
}
