import { measureUnderLoad } from '../load/under-load.js';
import { texts } from '../peers/work.js';

export const title = 'Session write';

export const about = '`GET /`, which changes the session at every request; 100 small sessions in turn.';

export const notes = [
  'sessapp answers once the change is on the disk, and merges the changes of requests at the same time. Of the others only "every write on the disk" waits for a disk, and none merges.',
  'The time that the kernel and a Redis spend is not in the CPU figure of a server; that of Redis is beside it.',
  'A cookie session (@fastify/secure-session, Flask) stores nothing: its write is a new cookie.',
];

export function run(bench) {
  const ids = [
    'sessapp',
    'fastify-memory',
    'fastify-secure',
    'express-memory',
    'express-redis',
    'express-redis-durable',
    'express-file',
    'flask',
  ];
  const loads = { '': { path: '/', body: texts.saved, open: ['/'] } };
  return measureUnderLoad(bench, ids, { loads, seconds: 2 });
}
