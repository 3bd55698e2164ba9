import { join } from 'node:path';
import type { Express } from 'express';
import type { Accounts } from '../../accounts.ts';
import type { Addition } from '../../additions.ts';
import { accountRoutes } from './account.ts';
import { loginRoutes, renderLogin } from './login.ts';
import { openPasskeys } from './store.ts';
import { passkeyTexts } from './texts.ts';

/** Passkeys: users add them to their account, and log in with them. */
export async function openAddition(accounts: Accounts): Promise<Addition> {
  const passkeys = await openPasskeys();
  return {
    routes(app: Express) {
      const script = join(import.meta.dirname, 'browser.mjs');
      app.get('/passkeys.mjs', (_req, res) => res.sendFile(script, { maxAge: '1h' }));
      accountRoutes(app, accounts, passkeys);
      loginRoutes(app, accounts, passkeys);
    },
    renderLogin,
    links: (req) => [['/account/passkeys', passkeyTexts(req).title]],
    close: () => passkeys.close(),
  };
}
