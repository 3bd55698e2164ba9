import { createMail, type Mail } from './mail.ts';
import { openStore } from './store/open.ts';
import type { Store } from './store/types.ts';

/** The store and the mail, for all account pages. */
export interface Accounts extends Store {
  mail: Mail;
}

export async function openAccounts(): Promise<Accounts> {
  const mail = await createMail();
  const { users, tokens, counts, close } = await openStore();
  return { users: retriable(users), tokens: retriable(tokens), counts: retriable(counts), close, mail };
}

/** Makes every failed store call a 503 with Retry-After: the client can retry, because an outage is temporary. */
function retriable<T extends object>(calls: T): T {
  const wrapped = Object.entries(calls).map(([name, call]) => [
    name,
    async (...args: unknown[]) => {
      try {
        return await call(...args);
      } catch (error) {
        throw Object.assign(error as Error, { status: 503, headers: { 'Retry-After': '1' } });
      }
    },
  ]);
  return Object.fromEntries(wrapped) as T;
}

/** Waits until pending mails are sent, then closes the store. */
export async function closeAccounts({ mail, close }: Accounts): Promise<void> {
  await mail.sent();
  await close();
}
