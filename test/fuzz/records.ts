import { anything, asyncProperty, constantFrom, double, jsonValue, oneof, record, string } from 'fast-check';
import { expect } from 'vitest';
import { signId } from '../../src/session/cookie/signature.ts';
import type { Driver, StoredRecord } from '../../src/stores/driver.ts';
import { sessionKeyOf } from '../../src/stores/session-key.ts';
import { change, openStore, secretOf, startSite } from '../session/support.ts';
import { check } from './check.ts';

/** Whatever a store has for a session, its client gets an answer, can go on, and gets no other error than the documented. */
export async function fuzzRecords(cases: number): Promise<void> {
  let stored: unknown;
  const site = await startSite(
    (app) => {
      app.get('/keep', (req, res) => {
        req.session.kept = 'yes';
        res.send('kept');
      });
      app.get('/show', (req, res) => res.send(typeof req.session.kept));
    },
    {
      driver: holding(
        await openStore(),
        () => stored,
        (next) => {
          stored = next;
        },
      ),
    },
  );
  const id = 'x'.repeat(43);
  const Cookie = `sid=${encodeURIComponent(signId(id, { id: '', secret: secretOf('a') }))}`;
  const property = asyncProperty(recordLike(site.clock.now), async (found) => {
    stored = { ...found, key: sessionKeyOf(id) };
    site.log.length = 0;
    for (const path of ['/show', '/keep', '/show']) {
      const response = await site.request(path, { headers: { Cookie } });
      expect(response).toMatchObject({
        status: 200,
        body: expect.stringMatching(/^(kept|string|undefined|object|number|boolean)$/),
      });
    }
    for (const { message } of site.log) expect(message).toMatch(/was set aside/);
  });
  await check(property, cases);
}

/** A driver that has one record, of whatever form, until it is changed. */
function holding(store: Driver, get: () => unknown, set: (next: unknown) => void): Driver {
  return change(store, {
    read: async () => get() as StoredRecord | undefined,
    create: async () => true,
    update: async (key, version, next) => {
      if ((get() as StoredRecord | undefined)?.version !== version) return false;
      set({ ...next, key, version: version + 1 });
      return true;
    },
    touch: async () => undefined,
    setAside: async () => set(undefined),
  });
}

function recordLike(now: number) {
  const time = oneof({ weight: 3, arbitrary: constantFrom(now, now - 1000, now + 1e6) }, double(), anything());
  const lifetime = oneof(constantFrom(null, 1000, 1e9, -1, 0, 1e300), anything());
  const text = oneof(
    { weight: 2, arbitrary: jsonValue().map((value) => JSON.stringify(value)) },
    { weight: 2, arbitrary: record({ kept: jsonValue(), userId: anything() }).map(toText) },
    { weight: 2, arbitrary: record({ cookie: record({ originalMaxAge: lifetime }) }).map(toText) },
    { weight: 1, arbitrary: record({ cookie: anything(), userId: anything() }).map(toText) },
    {
      weight: 1,
      arbitrary: constantFrom('{"__proto__":{"kept":1}}', '{"constructor":1,"save":2,"id":3,"req":4}', '{', ''),
    },
    { weight: 1, arbitrary: string() },
    { weight: 1, arbitrary: anything() },
  );
  return record({
    data: text,
    createdAtMs: oneof({ weight: 4, arbitrary: constantFrom(now - 1000) }, time),
    seenAtMs: oneof({ weight: 4, arbitrary: constantFrom(now - 1000) }, time),
    expiresAtMs: oneof({ weight: 4, arbitrary: constantFrom(now + 1e6) }, time),
    version: oneof({ weight: 4, arbitrary: constantFrom(1) }, anything()),
    owner: anything(),
    keyId: anything(),
  });
}

function toText(value: object): string {
  try {
    return JSON.stringify(value);
  } catch {
    return '{}';
  }
}
