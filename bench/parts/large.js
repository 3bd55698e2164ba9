import { measureUnderLoad } from '../load/under-load.js';
import { texts } from '../peers/work.js';
import { verifyLarge } from '../servers/verify.js';

export const title = 'Sessions of 8 KB';

export const about =
  'The same reads and writes with 40 values of 200 characters in each session. A write changes a different value.';

export const notes = [
  'Cookie sessions are not measured: a cookie can hold only 4 KB.',
  '@fastify/session keeps the objects in memory. It serializes the 8 KB only to compute a hash.',
];

export function run(bench) {
  const ids = ['sessapp', 'fastify-memory', 'express-memory', 'express-redis', 'express-file'];
  const open = ['/', '/fill'];
  const loads = {
    read: { path: '/profile', body: texts.current('guest'), open },
    write: { path: '/', body: texts.saved, open },
  };
  return measureUnderLoad(bench, ids, { loads, seconds: 2, verify: verifyLarge });
}
