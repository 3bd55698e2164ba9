import { measureUnderLoad } from '../load/under-load.js';
import { texts } from '../peers/work.js';

export const title = 'Session read';

export const about = `\`GET /profile\`, which reads the session; 100 small sessions in turn.`;

export const notes = [
  'In memory: sessions end with the process, and other processes cannot use them. @fastify/session keeps the objects without serializing them.',
  'Cookie sessions (@fastify/secure-session, Flask) store nothing: the server cannot end them, and two concurrent requests lose a change.',
];

export function run(bench) {
  const ids = [
    'sessapp',
    'http',
    'fastify-memory',
    'fastify-memory-dressed',
    'fastify-secure',
    'express-memory',
    'express-redis',
    'express-redis-dressed',
    'express-file',
    'flask',
    'flask-threads',
  ];
  const loads = { '': { path: '/profile', body: texts.current('guest'), open: ['/'] } };
  return measureUnderLoad(bench, ids, { loads, seconds: 2 });
}
