import { measureUnderLoad } from '../load/under-load.js';
import { texts } from '../peers/work.js';
import { allMajors } from '../setup/node-versions.js';

export const title = 'An existing application, its import changed';

export const about =
  'Bare Express with express-session, and the same file with `sessapp/session` in its place: with the same store, and with a driver of ours. `GET /profile` reads, `GET /` changes the session, `GET /` without a cookie makes one; 100 small sessions in turn.';

export const notes = [
  'Only the import and the store differ; the options are `resave: false`, `saveUninitialized: false` and a lifetime of thirty days.',
  'express-session writes at every read too: it moves the expiry of the session that it read. Ours moves it after a tenth of its lifetime.',
  'The stores of one kind share one server: a Redis as it comes, a PostgreSQL.',
];

const stores = ['memory', 'redis', 'postgres'];
const loads = {
  read: { path: '/profile', body: texts.current('guest'), open: ['/'] },
  write: { path: '/', body: texts.saved, open: ['/'] },
  new: { path: '/', body: texts.saved },
};

/** One version of Node.js after the other, so that what is compared is measured close together. */
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
