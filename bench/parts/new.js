import { measureUnderLoad } from '../load/under-load.js';
import { texts } from '../peers/work.js';

export const title = 'New session';

export const about = '`GET /` without a cookie: every request makes a session.';

export const notes = [
  'sessapp answers once the session is on the disk. In memory nothing is written, and nothing ends what robots leave there.',
];

export function run(bench) {
  const ids = ['sessapp', 'fastify-memory', 'express-memory', 'express-redis', 'express-redis-durable', 'express-file'];
  return measureUnderLoad(bench, ids, { loads: { '': { path: '/', body: texts.saved } }, seconds: 3 });
}
