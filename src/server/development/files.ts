import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RequestHandler } from 'express';

/** The path prefix of the server's own files, in development only. */
export const filesPath = '/_sessapp/';

const names = ['page.css', 'reload.js'];

/** Serves the files of the development pages, without a session and without a log line. */
export const serveFiles: RequestHandler = async (req, res, next) => {
  const name = names.find((file) => req.path === filesPath + file);
  if (name === undefined || req.method !== 'GET') return next();
  const content = await readFile(join(import.meta.dirname, 'files', name));
  res.set('Cache-Control', 'no-store').type(name).send(content);
};
