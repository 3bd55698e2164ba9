import type { Request, RequestHandler, Response } from 'express';
import { html } from './pages/html.ts';
import { sendPage } from './pages/page.ts';
import { textsFor } from './texts.ts';

/** Removes a link's token from the path, because the log contains the path of each request. */
export const hideToken: RequestHandler = (req, _res, next) => {
  req.originalUrl = req.originalUrl.replace(String(req.params.token), '…');
  next();
};

/** @param retryPath the page that sends a new link */
export function sendBadLink(req: Request, res: Response, retryPath: string): void {
  const { link } = textsFor(req);
  const content = html`<p>${link.text}</p><p><a href="${retryPath}">${link.again}</a></p>`;
  sendPage(req, res, { title: link.title, content, status: 410 });
}
