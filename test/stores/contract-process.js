// A separate process that works on the same store: node contract-process.js <driver> <arguments of open> <job> [<arguments>].
// It prints the result of the job.
import { setTimeout as wait } from 'node:timers/promises';

const [, , module, openArgs, job, args = '[]'] = process.argv;
const { open } = await import(module);
const driver = await open(...JSON.parse(openArgs));
const times = { createdAtMs: 1, seenAtMs: 1, expiresAtMs: 4e12 };

const jobs = {
  /** Runs writers that each increment a counter a number of times, and retry until an update succeeds. */
  async increment(key, writers, often) {
    const write = async () => {
      for (let n = 0; n < often; n++) while (!(await change(key, (data) => Number(data) + 1)));
    };
    await Promise.all(Array.from({ length: writers }, write));
  },

  /** Changes a record until it is gone, and a few times more. Returns how many changes succeeded after it was gone. */
  async saveUntilGone(key) {
    let stale = await driver.read(key);
    console.error('writing');
    for (let found = stale; found; found = await driver.read(key)) {
      stale = found;
      await driver.update(key, found.version, found);
    }
    const late = [await driver.touch(key, stale.version, 1, 4e12), await driver.read(key)];
    for (const version of [stale.version, stale.version + 1]) late.push(await driver.update(key, version, stale));
    return late.filter(Boolean);
  },

  /** Deletes a session and creates another one, as `regenerate` does. Returns the new keys. */
  async regenerate(key, prefix, often) {
    const begin = async (_, n) => {
      await change(key, (data) => `${data}x`);
      await driver.delete(key);
      await driver.create(`${prefix}${n}`, { data: '{}', ...times });
      await driver.touch(key, 1, 1, 4e12);
      return `${prefix}${n}`;
    };
    return Promise.all(Array.from({ length: often }, begin));
  },

  /** Creates records, and kills itself as soon as the last one is acknowledged. */
  async createAndDie(count) {
    for (let n = 0; n < count; n++) await driver.create(`k${n}`, { data: `${n}`, ...times });
    process.kill(process.pid, 'SIGKILL');
    await wait(60_000);
  },

  async fill(count, bytes) {
    const data = 'x'.repeat(bytes);
    for (let from = 0; from < count; from += 1000) {
      const keys = Array.from({ length: Math.min(1000, count - from) }, (_, n) => `k${from + n}`);
      await Promise.all(keys.map((key) => driver.create(key, { data, owner: 'ann', ...times })));
    }
  },

  /** Returns how many records each list has. */
  async countAll(...queries) {
    const counts = [];
    for (const query of queries) {
      let count = 0;
      for await (const _ of driver.list(query)) count += 1;
      counts.push(count);
    }
    return counts;
  },
};

async function change(key, toData) {
  const found = await driver.read(key);
  if (!found) return false;
  const { key: _, version, ...record } = found;
  return driver.update(key, version, { ...record, data: `${toData(found.data)}` });
}

const result = await jobs[job](...JSON.parse(args));
await driver.close();
console.log(JSON.stringify(result ?? null));
