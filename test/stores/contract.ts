import type { Store } from 'express-session';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { driverOf } from '../../src/stores/express.ts';
import { testLists } from './contract-lists.ts';
import { testProcesses } from './contract-processes.ts';
import { testRecords } from './contract-records.ts';
import { record, type Subject, type Ways } from './contract-support.ts';

/**
 * The contract of every driver. A store provides functions to open and to remove it.
 * @param many how many records to list
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

    test('does not create a record that exists', async () => {
      await ways.driver.create('a', record());
      expect(await ways.other.create('a', record({ data: '{}' }))).toBe(false);
      expect(await ways.driver.read('a')).toMatchObject({ data: record().data, version: 1 });
    });

    test('keeps the format of numbers', async () => {
      const data = '{"n":12345678901234567890,"e":1e400,"z":-0.0,"f":0.1000}';
      await ways.driver.create('a', record({ data }));
      expect((await ways.other.read('a'))?.data).toBe(data);
    });

    testRecords(ways);
    testLists(ways);
    testProcesses(ways, () => subject, many);
  });
}

/** The contract of `driverOf`, for any express-session store: no guarantees between processes, and no check before `create`. */
export function describeExpressStore(name: string, createStore: () => Store): void {
  describe(`${name} as a driver`, () => {
    const ways = {} as Ways;

    beforeEach(() => {
      ways.driver = driverOf(createStore());
      ways.other = ways.driver;
    });

    testRecords(ways);
  });
}
