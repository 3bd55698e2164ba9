import { randomUUID } from 'node:crypto';
import type { Express, Request, Response } from 'express';
import type { Accounts } from './accounts.ts';
import { countLinkAttempt } from './attempts.ts';
import { hideToken, sendBadLink } from './link.ts';
import { field } from './pages/field.ts';
import { html } from './pages/html.ts';
import { sendPage } from './pages/page.ts';
import { verifyPassword } from './passwords/hash.ts';
import { fieldOf } from './request.ts';
import { logIn } from './session.ts';
import type { Purpose, Tokens, User } from './store/types.ts';
import { textsFor } from './texts.ts';
import { tokenKey } from './tokens.ts';

type Registration = Extract<Purpose, { kind: 'register' }>;

/**
 * Completes a registration: it needs the link from the mail, and the chosen password. Without the password, an attacker
 * could register with another person's address, and wait for that person to open the link.
 */
export function verifyRoutes(app: Express, accounts: Accounts): void {
  app.get('/verify/:token', hideToken, async (req, res) => {
    const registration = await findRegistration(accounts.tokens, req);
    if (registration) sendForm(req, res, registration);
    else sendBadLink(req, res, '/register');
  });

  app.post('/verify/:token', hideToken, async (req, res) => {
    const registration = await findRegistration(accounts.tokens, req);
    if (!registration) return sendBadLink(req, res, '/register');
    await countLinkAttempt(accounts, tokenKeyOf(req));
    if (!(await verifyPassword(fieldOf(req, 'password'), registration.password)))
      return sendForm(req, res, registration, textsFor(req).faults.wrongPassword);
    const user = await createUser(accounts, req);
    if (!user) return sendBadLink(req, res, '/login');
    await logIn(req, user);
    res.redirect(303, '/');
  });
}

/** @returns undefined when the link was used since it was checked, or another link has created the account */
async function createUser({ users, tokens }: Accounts, req: Request): Promise<User | undefined> {
  const taken = await tokens.take(tokenKeyOf(req));
  if (taken?.kind !== 'register') return undefined;
  const { email, name, password } = taken;
  const user = { id: randomUUID(), email, name, password, passwordVersion: 1, createdAtMs: Date.now() };
  return (await users.create(user)) ? user : undefined;
}

async function findRegistration(tokens: Tokens, req: Request): Promise<Registration | undefined> {
  const purpose = await tokens.get(tokenKeyOf(req));
  return purpose?.kind === 'register' ? purpose : undefined;
}

function tokenKeyOf(req: Request): string {
  return tokenKey(String(req.params.token));
}

function sendForm(req: Request, res: Response, { email }: Registration, error?: string): void {
  const { verify, fields } = textsFor(req);
  const content = html`<p>${verify.text(email)}</p>
    <form method="post">
      <input type="email" name="username" autocomplete="username" hidden readonly value="${email}">
      ${field({ name: 'password', label: fields.password, type: 'password', autocomplete: 'current-password', error })}
      <button>${verify.button}</button>
    </form>`;
  sendPage(req, res, { title: verify.title, content, status: error === undefined ? 200 : 422 });
}
