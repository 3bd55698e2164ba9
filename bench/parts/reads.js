import { measureUnderLoad } from '../load/under-load.js';
import { texts } from '../peers/work.js';

export const title = 'Session read';

export const about = `\`GET /profile\`, answered from the session; 100 small sessions in turn.`;

export const notes = [
  'In memory: sessions end with the process, and belong to it alone; @fastify/session keeps the objects themselves.',
  'A cookie session (@fastify/secure-session, Flask) stores nothing: it cannot be ended by the server, and two requests at the same time lose a change.',
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
