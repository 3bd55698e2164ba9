import { inBatches } from '../batches.ts';
import type { Driver, ListQuery, SessionRecord, StoredRecord } from '../driver.ts';
import { readAddress } from './address.ts';
import { Connection } from './connection.ts';
import { mergeEntries, readEntries } from './entries.ts';
import { decode, encode, keyInExpiryEntry, ownerEntry, renderTime, unreadable } from './record.ts';
import { type Partition, RedisKeys } from './redis-keys.ts';
import type { ScriptName } from './scripts.ts';
import { findWarnings } from './warnings.ts';

/**
 * How long after its expiry Redis itself deletes a record that was not pruned. As with every store, sessapp decides by its own
 * clock whether a session has expired. The time is long, so that the clock of Redis may differ.
 */
const graceMs = 24 * 60 * 60 * 1000;
/** How many records a list reads ahead. */
const batchSize = 10;

/** Opens a store in a Redis or Valkey server, or in a cluster. */
export async function open(url: string, name: string): Promise<Driver> {
  return new RedisDriver(new Connection(readAddress(url)), new RedisKeys(name));
}

class RedisDriver implements Driver {
  readonly #connection: Connection;
  readonly #redisKeys: RedisKeys;

  constructor(connection: Connection, keys: RedisKeys) {
    this.#connection = connection;
    this.#redisKeys = keys;
  }

  async read(key: string): Promise<StoredRecord | undefined> {
    const redisKey = this.#redisKeys.partitionOf(key).record(key);
    try {
      const text = await this.#connection.run(redisKey.length, (commands) => commands.get(redisKey));
      return text === null ? undefined : decode(key, text);
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return unreadable(key);
      throw error;
    }
  }

  async create(key: string, record: SessionRecord, version = 1): Promise<boolean> {
    const value = encode(record, version);
    return (await this.#run('createRecord', key, [value, lifeOf(record.expiresAtMs)])) === 1;
  }

  async update(key: string, version: number, record: SessionRecord): Promise<boolean> {
    const value = encode(record, version + 1);
    return (await this.#run('updateRecord', key, [value, lifeOf(record.expiresAtMs), String(version)])) === 1;
  }

  async touch(key: string, version: number, seenAtMs: number, expiresAtMs: number): Promise<void> {
    const args = [String(version), String(seenAtMs), renderTime(expiresAtMs), lifeOf(expiresAtMs)];
    await this.#run('touchRecord', key, args);
  }

  async delete(key: string): Promise<void> {
    await this.#run('removeRecord', key);
  }

  async setAside(key: string): Promise<void> {
    const { aside, setAside } = this.#redisKeys.partitionOf(key);
    await this.#run('setRecordAside', key, [], [aside(key), setAside]);
  }

  async countSetAside(): Promise<number> {
    const counts = this.#redisKeys.partitions.map(({ setAside }) =>
      this.#connection.run(0, (commands) => commands.sCard(setAside)),
    );
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  async *list(query: ListQuery): AsyncIterable<StoredRecord> {
    let left = query.limit ?? Number.POSITIVE_INFINITY;
    for await (const entries of inBatches(this.#entries(query), Math.min(batchSize, left))) {
      for (const record of await Promise.all(entries.map((entry) => this.#find(entry, query)))) {
        if (!record) continue;
        if (left <= 0) return;
        left -= 1;
        yield record;
      }
    }
  }

  async prune(nowMs: number, limit: number): Promise<number> {
    const due = { from: '-', to: `(${renderTime(Math.floor(nowMs) + 1)}` };
    const reads = this.#redisKeys.partitions.map(({ byExpiry }) => readEntries(this.#connection, byExpiry, due, limit));
    let left = limit;
    const counts = (await Promise.all(reads)).map((found, number) => {
      const entries = found.slice(0, left);
      left -= entries.length;
      return this.#prunePartition(this.#redisKeys.partitions[number] as Partition, entries);
    });
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  // A server may accept reads but refuse writes, so this is a write. It changes nothing, because no record has this name.
  async ping(): Promise<void> {
    const { partitions } = this.#redisKeys;
    const partition = partitions[Math.floor(Math.random() * partitions.length)] as Partition;
    await this.#connection.run(0, (commands) => commands.set(partition.record(''), '', { condition: 'XX' }));
  }

  async warnings(): Promise<string[]> {
    const link = await this.#connection.link();
    return link.run(0, async () => findWarnings(await link.servers()));
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  #run(script: ScriptName, key: string, args: string[] = [], moreRedisKeys: string[] = []): Promise<number> {
    const { byExpiry, byOwner, record } = this.#redisKeys.partitionOf(key);
    const redisKeys = [byExpiry, byOwner, record(key), ...moreRedisKeys];
    const bytes = args.reduce((sum, arg) => sum + arg.length, 0);
    return this.#connection.run(bytes, (commands) => commands[script](redisKeys, [key, ...args]));
  }

  async #prunePartition({ byExpiry, byOwner, record }: Partition, entries: string[]): Promise<number> {
    if (entries.length === 0) return 0;
    const redisKeys = [byExpiry, byOwner, ...entries.map((entry) => record(keyInExpiryEntry(entry)))];
    return this.#connection.run(0, (commands) => commands.pruneRecords(redisKeys, entries));
  }

  #entries({ owner, prefix = '', expiresBeforeMs }: ListQuery): AsyncGenerator<string> {
    const partitions = prefix === '' ? this.#redisKeys.partitions : [this.#redisKeys.partitionOf(prefix)];
    const indexes = partitions.map(({ byExpiry, byOwner }) => (owner === undefined ? byExpiry : byOwner));
    const until = expiresBeforeMs === undefined ? '+' : `(${renderTime(expiresBeforeMs)}`;
    const range =
      owner === undefined
        ? { from: '-', to: until }
        : { from: `[${ownerEntry(owner, '')}`, to: `(${ownerEntry(owner, '\uffff')}` };
    return mergeEntries(this.#connection, indexes, range);
  }

  // Reads the record of an index entry. The record may have changed or disappeared since the entry was read.
  async #find(entry: string, { owner, prefix = '', expiresBeforeMs = Number.POSITIVE_INFINITY }: ListQuery) {
    const key = owner === undefined ? keyInExpiryEntry(entry) : entry.slice(ownerEntry(owner, '').length);
    if (!key.startsWith(prefix)) return undefined;
    const record = await this.read(key);
    if (!record && owner !== undefined) await this.#run('forgetEntry', key, [entry]);
    if (record?.data === undefined) return record;
    const isOthers = owner !== undefined && record.owner !== owner;
    return isOthers || record.expiresAtMs >= expiresBeforeMs ? undefined : record;
  }
}

function lifeOf(expiresAtMs: number): string {
  const leftMs = expiresAtMs - Date.now();
  return String((Number.isFinite(leftMs) ? Math.max(0, Math.ceil(leftMs)) : 0) + graceMs);
}
