import type { Express, Request, Response } from 'express';
import type { Accounts } from './accounts.ts';
import { checkPassword } from './attempts.ts';
import { field } from './pages/field.ts';
import { html } from './pages/html.ts';
import { sendPage } from './pages/page.ts';
import { fieldOf, nextOf } from './request.ts';
import { confirm, requireUser } from './session.ts';
import { textsFor } from './texts.ts';

/** Asks for the password again. `requireRecentPassword` redirects to this page. */
export function sudoRoutes(app: Express, accounts: Accounts): void {
  app.get('/sudo', requireUser, (req, res) => sendForm(req, res, nextOf(req.query.next)));

  app.post('/sudo', requireUser, async (req, res) => {
    const next = nextOf(fieldOf(req, 'next'));
    const user = await checkPassword(accounts, req, req.user?.email ?? '', fieldOf(req, 'password'));
    if (!user) return sendForm(req, res, next, textsFor(req).faults.wrongPassword);
    await confirm(req, user);
    res.redirect(303, next);
  });
}

function sendForm(req: Request, res: Response, next: string, error?: string): void {
  const { sudo, fields } = textsFor(req);
  const content = html`<p>${sudo.text}</p>
    <form method="post" action="/sudo">
      <input type="hidden" name="next" value="${next}">
      <input type="email" name="username" autocomplete="username" hidden readonly value="${req.user?.email}">
      ${field({ name: 'password', label: fields.password, type: 'password', autocomplete: 'current-password', error })}
      <button>${sudo.button}</button>
    </form>`;
  sendPage(req, res, { title: sudo.title, content, status: error === undefined ? 200 : 422 });
}
