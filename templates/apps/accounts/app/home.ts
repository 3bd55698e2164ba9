import type { Express } from 'express';
import { html } from './pages/html.ts';
import { sendPage } from './pages/page.ts';
import { textsFor } from './texts.ts';

/** The home page. Start your application here. */
export function homeRoutes(app: Express): void {
  app.get('/', (req, res) => {
    const { home, nav } = textsFor(req);
    if (req.user) {
      const { name, email } = req.user;
      return sendPage(req, res, { title: home.hello(name), content: html`<p>${home.loggedIn(email)}</p>` });
    }
    const content = html`<p>${home.text}</p>
      <p class="actions"><a class="button" href="/register">${nav.register}</a> <a href="/login">${nav.login}</a></p>`;
    return sendPage(req, res, { title: home.title, content });
  });
}
