import type { Express, Request, Response } from 'express';
import type { Accounts } from './accounts.ts';
import { countMail } from './attempts.ts';
import { field } from './pages/field.ts';
import { html } from './pages/html.ts';
import { sendPage } from './pages/page.ts';
import { hashPassword } from './passwords/hash.ts';
import { findFault, minimumLength } from './passwords/rules.ts';
import { emailOf, fieldOf, isEmail } from './request.ts';
import { textsFor } from './texts.ts';
import { createToken, linkMs, tokenKey } from './tokens.ts';
import { verifyRoutes } from './verify.ts';

interface Form {
  email: string;
  name: string;
}

type Faults = Partial<Record<'email' | 'name' | 'password', string>>;

const nameLimit = 100;

export function registerRoutes(app: Express, accounts: Accounts): void {
  app.get('/register', (req, res) => sendForm(req, res, { email: '', name: '' }));

  app.post('/register', async (req, res) => {
    const form = { email: emailOf(req), name: fieldOf(req, 'name').replace(/\p{C}/gu, '').trim() };
    const password = fieldOf(req, 'password');
    const faults = findFaults(req, form, password);
    if (Object.keys(faults).length > 0) return sendForm(req, res, form, faults);
    await countMail(accounts, req, form.email);
    await sendLink(accounts, req, form, await hashPassword(password));
    const { sentTitle, sent } = textsFor(req).register;
    sendPage(req, res, { title: sentTitle, content: html`<p>${sent(form.email)}</p>` });
  });

  verifyRoutes(app, accounts);
}

// The account is created when the user confirms the address. Until then, the token holds the data. If the address already
// has an account, it gets a different mail. The work and the page are the same, so that nobody else can find this out.
async function sendLink({ users, tokens, mail }: Accounts, req: Request, form: Form, password: string): Promise<void> {
  const { register } = textsFor(req);
  const user = await users.find(form.email);
  const token = createToken();
  const end = Date.now() + linkMs;
  if (user) {
    const { id: userId, passwordVersion } = user;
    await tokens.put(tokenKey(token), { kind: 'reset', userId, passwordVersion }, end);
    mail.send(req, form.email, register.knownSubject, register.knownMail, `/reset/${token}`);
  } else {
    await tokens.put(tokenKey(token), { kind: 'register', ...form, password }, end);
    mail.send(req, form.email, register.mailSubject, register.mail, `/verify/${token}`);
  }
}

function findFaults(req: Request, { email, name }: Form, password: string): Faults {
  const { faults } = textsFor(req);
  const fault = findFault(password, [email, name]);
  return {
    ...(!isEmail(email) && { email: faults.email }),
    ...((name === '' || name.length > nameLimit) && { name: faults.name }),
    ...(fault && { password: faults[fault] }),
  };
}

function sendForm(req: Request, res: Response, form: Form, faults: Faults = {}): void {
  const { register, fields } = textsFor(req);
  const content = html`<form method="post" action="/register">
      ${field({ name: 'name', label: fields.name, type: 'text', autocomplete: 'name', value: form.name, error: faults.name, maxLength: nameLimit })}
      ${field({ name: 'email', label: fields.email, type: 'email', autocomplete: 'username', value: form.email, error: faults.email })}
      ${field({ name: 'password', label: fields.password, type: 'password', autocomplete: 'new-password', hint: fields.passwordHint, error: faults.password, minLength: minimumLength })}
      <button>${register.button}</button>
    </form>
    <p><a href="/login">${register.other}</a></p>`;
  const status = Object.keys(faults).length > 0 ? 422 : 200;
  sendPage(req, res, { title: register.title, content, status });
}
