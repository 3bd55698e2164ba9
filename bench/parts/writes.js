import { measureUnderLoad } from '../load/under-load.js';
import { texts } from '../peers/work.js';

export const title = 'Session write';

export const about = '`GET /`, which changes the session on every request; 100 small sessions in turn.';

export const notes = [
  'sessapp responds once the change is on the disk, and merges the changes of concurrent requests. Of the others, only "every write on the disk" waits for a disk, and none merges changes.',
  'The CPU figure of a server does not include the time of kernel threads and of Redis. The time of Redis has its own column.',
  'Cookie sessions (@fastify/secure-session, Flask) store nothing: a write is a new cookie.',
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
