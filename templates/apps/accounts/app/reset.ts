import type { Express, Request, Response } from 'express';
import type { Accounts } from './accounts.ts';
import { countMail, forgetAttempts } from './attempts.ts';
import { hideToken, sendBadLink } from './link.ts';
import { field } from './pages/field.ts';
import { html } from './pages/html.ts';
import { leaveNotice, sendPage } from './pages/page.ts';
import { hashPassword } from './passwords/hash.ts';
import { findFault, minimumLength } from './passwords/rules.ts';
import { emailOf, fieldOf, isEmail } from './request.ts';
import { regenerate } from './session.ts';
import type { Purpose, User } from './store/types.ts';
import { textsFor } from './texts.ts';
import { createToken, linkMs, tokenKey } from './tokens.ts';

export function resetRoutes(app: Express, accounts: Accounts): void {
  app.get('/reset', (req, res) => sendRequestForm(req, res));

  app.post('/reset', async (req, res) => {
    const email = emailOf(req);
    const { faults, reset } = textsFor(req);
    if (!isEmail(email)) return sendRequestForm(req, res, faults.email);
    await countMail(accounts, req, email);
    await sendLink(accounts, req, email);
    sendPage(req, res, { title: reset.sentTitle, content: html`<p>${reset.sent(email)}</p>` });
  });

  app.get('/reset/:token', hideToken, async (req, res) => {
    const user = await findUser(accounts, await accounts.tokens.get(tokenKeyOf(req)));
    if (user) sendPasswordForm(req, res, user);
    else sendBadLink(req, res, '/reset');
  });

  app.post('/reset/:token', hideToken, async (req, res) => {
    const user = await findUser(accounts, await accounts.tokens.get(tokenKeyOf(req)));
    if (!user) return sendBadLink(req, res, '/reset');
    const password = fieldOf(req, 'password');
    const fault = findFault(password, [user.email, user.name]);
    if (fault) return sendPasswordForm(req, res, user, textsFor(req).faults[fault]);
    if (!(await setPassword(accounts, req, await hashPassword(password)))) return sendBadLink(req, res, '/reset');
    await req.sessionStore.endSessionsOf(user.id);
    await forgetAttempts(accounts, req, user.email);
    await regenerate(req);
    mailPasswordChange(accounts, req, user);
    leaveNotice(req, textsFor(req).reset.done);
    res.redirect(303, '/login');
  });
}

// Without an account the work is the same, so that it takes the same time. But no mail is sent, so nobody gets the token.
async function sendLink({ users, tokens, mail }: Accounts, req: Request, email: string): Promise<void> {
  const user = await users.find(email);
  const { id: userId, passwordVersion } = user ?? { id: '', passwordVersion: 0 };
  const token = createToken();
  await tokens.put(tokenKey(token), { kind: 'reset', userId, passwordVersion }, Date.now() + linkMs);
  const { mailSubject, mail: text } = textsFor(req).reset;
  if (user) mail.send(req, email, mailSubject, text, `/reset/${token}`);
}

/** @returns undefined when the password has changed since the link was sent */
async function findUser({ users }: Accounts, purpose: Purpose | undefined): Promise<User | undefined> {
  const user = purpose?.kind === 'reset' ? await users.get(purpose.userId) : undefined;
  return purpose?.kind === 'reset' && user?.passwordVersion === purpose.passwordVersion ? user : undefined;
}

/** @returns false when the link was used, or the password was changed, since it was checked */
async function setPassword(accounts: Accounts, req: Request, hash: string): Promise<boolean> {
  const user = await findUser(accounts, await accounts.tokens.take(tokenKeyOf(req)));
  return user !== undefined && accounts.users.setPassword(user, hash, user.passwordVersion + 1);
}

/** Informs the user by mail that the password was changed, in case another person has changed it. */
export function mailPasswordChange({ mail }: Accounts, req: Request, { id, email }: User): void {
  const { changedSubject, changedMail } = textsFor(req).reset;
  req.log.info({ userId: id }, 'a password was changed');
  mail.send(req, email, changedSubject, changedMail, '/reset');
}

function tokenKeyOf(req: Request): string {
  return tokenKey(String(req.params.token));
}

function sendRequestForm(req: Request, res: Response, error?: string): void {
  const { reset, fields } = textsFor(req);
  const content = html`<p>${reset.text}</p>
    <form method="post" action="/reset">
      ${field({ name: 'email', label: fields.email, type: 'email', autocomplete: 'username', value: fieldOf(req, 'email'), error })}
      <button>${reset.button}</button>
    </form>`;
  sendPage(req, res, { title: reset.title, content, status: error === undefined ? 200 : 422 });
}

function sendPasswordForm(req: Request, res: Response, { email }: User, error?: string): void {
  const { reset, fields } = textsFor(req);
  const content = html`<p>${reset.newText}</p>
    <form method="post">
      <input type="email" name="username" autocomplete="username" hidden readonly value="${email}">
      ${field({ name: 'password', label: fields.newPassword, type: 'password', autocomplete: 'new-password', hint: fields.passwordHint, error, minLength: minimumLength })}
      <button>${reset.newButton}</button>
    </form>`;
  sendPage(req, res, { title: reset.newTitle, content, status: error === undefined ? 200 : 422 });
}
