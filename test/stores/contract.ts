import type { Store } from 'express-session';
import { afterEach, beforeEach, describe } from 'vitest';
import type { Driver } from '../../src/stores/driver.ts';
import { driverOf } from '../../src/stores/express.ts';
import { testLists } from './contract-lists.ts';
import { testProcesses } from './contract-processes.ts';
import { testRecords } from './contract-records.ts';
import type { Ways } from './contract-support.ts';

export interface Subject {
  /** Opens a driver on one and the same store, which is empty at the first call of each test. */
  open(): Promise<Driver>;
  /** Removes the store. */
  remove(): Promise<void>;
  /** How another process opens the same store: the driver's built file, and what its `open` is given. */
  module: string;
  args: unknown[];
  /** Creates so many records of one owner, `ann`, at once, for a store that takes long to create them one by one. */
  fill?(count: number, bytes: number): Promise<void>;
}

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

    testRecords(ways);
    testLists(ways);
    testProcesses(ways, () => subject, many);
  });
}

/** What `driverOf` promises of any express-session store: all but lists, and what takes several processes. */
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
