import type { Driver } from './driver.ts';
import { StoreUnavailable } from './session-error.ts';

/** What the sessions of requests need of a driver. */
export type RecordStore = Pick<Driver, 'read' | 'create' | 'update' | 'touch' | 'delete' | 'setAside'>;

/** The driver, with every failure a StoreUnavailable; so is an answer that takes longer than the deadline. */
export function withDeadline(driver: Driver, deadlineMs: number): RecordStore {
  const limit = <T>(call: () => Promise<T>): Promise<T> => inTime(call, deadlineMs);
  return {
    read: (key) => limit(() => driver.read(key)),
    create: (key, record) => limit(() => driver.create(key, record)),
    update: (key, version, record) => limit(() => driver.update(key, version, record)),
    touch: (key, seenAtMs, expiresAtMs) => limit(() => driver.touch(key, seenAtMs, expiresAtMs)),
    delete: (key) => limit(() => driver.delete(key)),
    setAside: (key) => limit(() => driver.setAside(key)),
  };
}

async function inTime<T>(call: () => Promise<T>, deadlineMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const fail = (): void => reject(new StoreUnavailable(`the store did not answer within ${deadlineMs} ms`));
    timer = setTimeout(fail, deadlineMs);
  });
  try {
    return await Promise.race([call(), late]);
  } catch (error) {
    if (error instanceof StoreUnavailable) throw error;
    throw new StoreUnavailable('the store failed', { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
