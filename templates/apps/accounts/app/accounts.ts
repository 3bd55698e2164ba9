import { createMail, type Mail } from './mail.ts';
import { openStore } from './store/open.ts';
import type { Store } from './store/types.ts';

/** What the pages of accounts work with. */
export interface Accounts extends Store {
  mail: Mail;
}

export async function openAccounts(): Promise<Accounts> {
  const mail = await createMail();
  return { ...(await openStore()), mail };
}

/** Waits for the mails that are being sent, then closes the store. */
export async function closeAccounts({ mail, close }: Accounts): Promise<void> {
  await mail.sent();
  await close();
}
