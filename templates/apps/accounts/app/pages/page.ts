import type { Request, Response } from 'express';
import { additionsOf } from '../additions.ts';
import { languageOf, textsFor } from '../texts.ts';
import { type Html, html } from './html.ts';

interface Page {
  title: string;
  content: Html;
  status?: number;
}

/** Sends a page. Its heading is the title, and its navigation depends on whether a user is logged in. */
export function sendPage(req: Request, res: Response, { title, content, status = 200 }: Page): void {
  const notice = takeNotice(req);
  const page = html`<!doctype html>
<html lang="${languageOf(req)}">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${title}</title>
    <link rel="stylesheet" href="/style.css">
    <link rel="icon" href="data:,">
  </head>
  <body>
    <header>${navigation(req)}</header>
    <main>
      <h1>${title}</h1>
      ${notice !== undefined && html`<p class="notice" role="status">${notice}</p>`}
      ${content}
    </main>
  </body>
</html>
`;
  res.status(status).type('html').send(page.text);
}

function navigation(req: Request): Html {
  const { nav } = textsFor(req);
  const links = req.user
    ? [
        ['/', nav.home],
        ['/account/sessions', nav.devices],
        ['/account/password', nav.password],
        ...additionsOf(req.app).flatMap((addition) => addition.links(req)),
      ]
    : [
        ['/', nav.home],
        ['/login', nav.login],
        ['/register', nav.register],
      ];
  const isCurrent = (path?: string) => path === req.path && html` aria-current="page"`;
  return html`<nav aria-label="${nav.label}">
      <ul>
        ${links.map(([path, text]) => html`<li><a href="${path}"${isCurrent(path)}>${text}</a></li>`)}
        ${req.user && html`<li><form method="post" action="/logout"><button class="link">${nav.logout}</button></form></li>`}
      </ul>
    </nav>`;
}

/** Stores a notice that the next page of this session shows. */
export function leaveNotice(req: Request, notice: string): void {
  req.session.notice = notice;
}

function takeNotice(req: Request): string | undefined {
  const { notice } = req.session;
  if (notice !== undefined) req.session.notice = undefined;
  return notice;
}
