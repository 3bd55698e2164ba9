import type { Request, Response } from 'express';

/** An error response in each format that a client can request. */
export interface Problem {
  status: number;
  text: string;
  /** The `error` of a JSON document. */
  json: { status: number; message: string; [detail: string]: unknown };
  /** HTML, only in development. In production a browser gets the text. */
  page?: string;
}

export function sendProblem(req: Request, res: Response, { status, text, json, page }: Problem): void {
  const type = req.accepts(['text', 'json', ...(page === undefined ? [] : ['html'])]);
  res.status(status).vary('Accept');
  if (type === 'json') res.json({ error: json });
  else if (type === 'html') res.type('html').send(page);
  else res.type('text').send(text);
}
