import { measureUnderLoad } from '../load/under-load.js';
import { texts } from '../peers/work.js';

export const title = 'New session';

export const about = '`GET /` without a cookie: every request creates a session.';

export const notes = [
  'sessapp responds once the session is on the disk. The stores in memory write nothing, and do not remove the sessions of crawlers.',
];

export function run(bench) {
  const ids = ['sessapp', 'fastify-memory', 'express-memory', 'express-redis', 'express-redis-durable', 'express-file'];
  return measureUnderLoad(bench, ids, { loads: { '': { path: '/', body: texts.saved } }, seconds: 3 });
}
