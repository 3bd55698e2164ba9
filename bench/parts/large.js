import { measureUnderLoad } from '../load/under-load.js';
import { texts } from '../peers/work.js';
import { verifyLarge } from '../servers/verify.js';

export const title = 'Sessions of 8 KB';

export const about =
  'The same reads and writes with forty values of 200 letters in each session; a write changes another value.';

export const notes = [
  'Cookie sessions are left out: a cookie holds 4 KB.',
  '@fastify/session keeps the objects themselves in memory, so that it never writes or reads the 8 KB as text but for its hash.',
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
