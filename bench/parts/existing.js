import { measureUnderLoad } from '../load/under-load.js';
import { texts } from '../peers/work.js';
import { allMajors } from '../setup/node-versions.js';

export const title = 'An existing application, its import changed';

export const about =
  'Express with only express-session, and the same file with `sessapp/session` instead: with the same store, and with our driver. `GET /profile` reads the session, `GET /` changes it, `GET /` without a cookie creates one. The requests use 100 small sessions in turn.';

export const notes = [
  'Only the import and the store differ. The options are `resave: false`, `saveUninitialized: false` and a lifetime of 30 days.',
  'express-session also writes on every read: it extends the expiry of the session. sessapp extends it only after 10% of the lifetime.',
  'Rows with the same kind of store share one server: Redis with its default configuration, or PostgreSQL.',
];

const stores = ['memory', 'redis', 'postgres'];
const loads = {
  read: { path: '/profile', body: texts.current('guest'), open: ['/'] },
  write: { path: '/', body: texts.saved, open: ['/'] },
  new: { path: '/', body: texts.saved },
};

/** Measures one version of Node.js after the other, so that rows which are compared are measured close together. */
export async function run(bench) {
  const ids = [
    ...stores.flatMap((store) => [`express-${store}`, `changed-${store}`]),
    ...['redis', 'postgres', 'embedded'].map((driver) => `changed-${driver}-driver`),
  ];
  const rows = [];
  for (const major of allMajors) {
    bench.say(`Node ${major}`);
    rows.push(...(await measureUnderLoad(bench, ids, { loads, seconds: 1, majors: [major] })));
  }
  return rows;
}
