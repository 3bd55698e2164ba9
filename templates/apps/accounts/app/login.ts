import type { Express, Request, Response } from 'express';
import type { Accounts } from './accounts.ts';
import { additionsOf } from './additions.ts';
import { checkPassword } from './attempts.ts';
import { field, formError } from './pages/field.ts';
import { html } from './pages/html.ts';
import { sendPage } from './pages/page.ts';
import { emailOf, fieldOf, nextOf } from './request.ts';
import { logIn, regenerate } from './session.ts';
import { textsFor } from './texts.ts';

interface Form {
  email: string;
  next: string;
  error?: string;
}

export function loginRoutes(app: Express, accounts: Accounts): void {
  app.get('/login', (req, res) => {
    const next = nextOf(req.query.next);
    if (req.user) res.redirect(303, next);
    else sendForm(req, res, { email: '', next });
  });

  app.post('/login', async (req, res) => {
    const form = { email: emailOf(req), next: nextOf(fieldOf(req, 'next')) };
    const user = await checkPassword(accounts, req, form.email, fieldOf(req, 'password'));
    if (!user) return sendForm(req, res, { ...form, error: textsFor(req).faults.wrongLogin });
    await logIn(req, user);
    res.redirect(303, form.next);
  });

  app.post('/logout', async (req, res) => {
    await regenerate(req);
    res.redirect(303, '/login');
  });
}

function sendForm(req: Request, res: Response, { email, next, error }: Form): void {
  const { login, fields } = textsFor(req);
  const content = html`${formError(error)}
    <form method="post" action="/login">
      <input type="hidden" name="next" value="${next}">
      ${field({ name: 'email', label: fields.email, type: 'email', autocomplete: 'username', value: email })}
      ${field({ name: 'password', label: fields.password, type: 'password', autocomplete: 'current-password' })}
      <button>${login.button}</button>
    </form>
    ${additionsOf(req.app).map((addition) => addition.renderLogin(req, next))}
    <p><a href="/reset">${login.forgot}</a></p>
    <p><a href="/register">${login.other}</a></p>`;
  sendPage(req, res, { title: login.title, content, status: error === undefined ? 200 : 422 });
}
