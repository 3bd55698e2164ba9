import type { Store } from 'express-session';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { driverOf } from '../../src/stores/express.ts';
import { testLists } from './contract-lists.ts';
import { testProcesses } from './contract-processes.ts';
import { testRecords } from './contract-records.ts';
import { record, type Subject, type Ways } from './contract-support.ts';

/**
 * What every driver promises; a store signs up with a way to open and to remove one.
 * @param many how many records are listed: as many as a test has time for
 */
export function describeDriver(name: string, createSubject: () => Subject, many = 100_000): void {
  describe(`the ${name} driver`, () => {
    let subject: Subject;
    const ways = {} as Ways;

    beforeEach(async () => {
      subject = createSubject();
      ways.driver = await subject.open();
      ways.other = await subject.open();
    });

    afterEach(async () => {
      await Promise.all([ways.driver.close(), ways.other.close()]);
      await subject.remove();
    });

    test('does not create what exists', async () => {
      await ways.driver.create('a', record());
      expect(await ways.other.create('a', record({ data: '{}' }))).toBe(false);
      expect(await ways.driver.read('a')).toMatchObject({ data: record().data, version: 1 });
    });

    test('keeps numbers as they are written', async () => {
      const data = '{"n":12345678901234567890,"e":1e400,"z":-0.0,"f":0.1000}';
      await ways.driver.create('a', record({ data }));
      expect((await ways.other.read('a'))?.data).toBe(data);
    });

    testRecords(ways);
    testLists(ways);
    testProcesses(ways, () => subject, many);
  });
}

/** What `driverOf` promises of any express-session store: all but what takes several processes, and a look before it creates. */
export function describeExpressStore(name: string, createStore: () => Store): void {
  describe(`${name} in the place of a driver`, () => {
    const ways = {} as Ways;

    beforeEach(() => {
      ways.driver = driverOf(createStore());
      ways.other = ways.driver;
    });

    testRecords(ways);
  });
}
