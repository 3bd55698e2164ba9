import type { ErrorRequestHandler } from 'express';
import { html } from './pages/html.ts';
import { sendPage } from './pages/page.ts';
import { textsFor } from './texts.ts';

/** The server refuses a request for now: too many attempts (429), or too much load (503). */
export class Refusal extends Error {
  readonly status: 429 | 503;
  readonly retrySeconds: number;

  constructor(status: 429 | 503, retrySeconds: number) {
    super(`refused with ${status}`);
    this.status = status;
    this.retrySeconds = retrySeconds;
  }
}

/** Responds to a refusal with its page. */
export const respondToRefusal: ErrorRequestHandler = (error, req, res, next) => {
  if (!(error instanceof Refusal)) return next(error);
  const { status, retrySeconds } = error;
  const texts = textsFor(req);
  res.set('Retry-After', String(retrySeconds));
  const [title, text] =
    status === 429
      ? [texts.tooMany.title, texts.tooMany.text(Math.ceil(retrySeconds / 60))]
      : [texts.busy.title, texts.busy.text];
  sendPage(req, res, { title, status, content: html`<p>${text}</p>` });
};
