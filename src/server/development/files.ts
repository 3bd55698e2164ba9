import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RequestHandler } from 'express';

/** Below it are the addresses that the server has for itself, in development only. */
export const filesPath = '/_sessapp/';

const names = ['page.css', 'reload.js'];

/** Serves what our pages load, without a session and without a line in the log. */
export const serveFiles: RequestHandler = async (req, res, next) => {
  const name = names.find((file) => req.path === filesPath + file);
  if (name === undefined || req.method !== 'GET') return next();
  const content = await readFile(join(import.meta.dirname, 'files', name));
  res.set('Cache-Control', 'no-store').type(name).send(content);
};
