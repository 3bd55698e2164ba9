import { join } from 'node:path';
import express, { type Express } from 'express';
import { type Accounts, closeAccounts, openAccounts } from './app/accounts.ts';
import { additionsOf, openAdditions } from './app/additions.ts';
import { devicesRoutes } from './app/devices.ts';
import { homeRoutes } from './app/home.ts';
import { loginRoutes } from './app/login.ts';
import { passwordRoutes } from './app/password.ts';
import { respondToRefusal } from './app/refusal.ts';
import { registerRoutes } from './app/register.ts';
import { resetRoutes } from './app/reset.ts';
import { loadUser } from './app/session.ts';
import { sudoRoutes } from './app/sudo.ts';

let application: Express;
let accounts: Accounts;

export async function routes(app: Express) {
  application = app;
  accounts = await openAccounts();

  app.use(express.static(join(import.meta.dirname, 'app', 'public'), { maxAge: '1h' }));
  app.use(express.urlencoded({ extended: false, limit: '16kb' }));
  app.use(loadUser(accounts));

  homeRoutes(app);
  registerRoutes(app, accounts);
  loginRoutes(app, accounts);
  resetRoutes(app, accounts);
  sudoRoutes(app, accounts);
  passwordRoutes(app, accounts);
  devicesRoutes(app);
  await openAdditions(app, accounts);

  app.use(respondToRefusal);
}

export async function close() {
  for (const addition of additionsOf(application)) await addition.close();
  await closeAccounts(accounts);
}
