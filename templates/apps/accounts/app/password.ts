import type { Express, Request, Response } from 'express';
import type { Accounts } from './accounts.ts';
import { checkPassword } from './attempts.ts';
import { field } from './pages/field.ts';
import { html } from './pages/html.ts';
import { leaveNotice, sendPage } from './pages/page.ts';
import { hashPassword } from './passwords/hash.ts';
import { findFault, minimumLength } from './passwords/rules.ts';
import { fieldOf } from './request.ts';
import { mailPasswordChange } from './reset.ts';
import { confirm, requireUser } from './session.ts';
import { textsFor } from './texts.ts';

type Faults = Partial<Record<'current' | 'password', string>>;

/** Changes the user's password. The user must enter the current one. */
export function passwordRoutes(app: Express, accounts: Accounts): void {
  app.get('/account/password', requireUser, (req, res) => sendForm(req, res));

  app.post('/account/password', requireUser, async (req, res) => {
    const { faults, password: texts } = textsFor(req);
    const { email = '', name = '' } = req.user ?? {};
    const password = fieldOf(req, 'password');
    const fault = findFault(password, [email, name]);
    if (fault) return sendForm(req, res, { password: faults[fault] });
    const user = await checkPassword(accounts, req, email, fieldOf(req, 'current'));
    if (!user) return sendForm(req, res, { current: faults.wrongPassword });
    const hash = await hashPassword(password);
    const passwordVersion = user.passwordVersion + 1;
    // Another request has changed the password since, so this session is no longer valid.
    if (!(await accounts.users.setPassword(user, hash, passwordVersion))) return res.redirect(303, '/login');
    await confirm(req, { ...user, password: hash, passwordVersion });
    await req.session.endOthers();
    mailPasswordChange(accounts, req, user);
    leaveNotice(req, texts.done);
    res.redirect(303, '/account/password');
  });
}

function sendForm(req: Request, res: Response, faults: Faults = {}): void {
  const { password, fields } = textsFor(req);
  const content = html`<p>${password.text}</p>
    <form method="post" action="/account/password">
      <input type="email" name="username" autocomplete="username" hidden readonly value="${req.user?.email}">
      ${field({ name: 'current', label: fields.currentPassword, type: 'password', autocomplete: 'current-password', error: faults.current })}
      ${field({ name: 'password', label: fields.newPassword, type: 'password', autocomplete: 'new-password', hint: fields.passwordHint, error: faults.password, minLength: minimumLength })}
      <button>${password.button}</button>
    </form>`;
  const status = Object.keys(faults).length > 0 ? 422 : 200;
  sendPage(req, res, { title: password.title, content, status });
}
