import { createMeasure } from '../measure/load.js';
import { measureRows } from '../measure/rounds.js';
import { texts } from '../peers/work.js';
import { BenchServers } from '../servers/bench-servers.js';
import { createFilled } from '../store/filled.js';

export const title = 'A million sessions';

export const about = '`GET /profile` with 1,000 sessions in use, while 1,000 or 1,000,000 are stored (Node 20).';

export const notes = [
  'Memory is the resident memory. It includes the pages of the store file that were read, although the system reclaims them when it needs memory. "Own" excludes them.',
  'The last row reads 50,000 different sessions of the million, so it reads more of the file.',
];

const titles = { few: '1,000 stored', many: '1,000,000 stored', spread: '1,000,000 stored, 50,000 in use' };

export async function run(bench) {
  const million = bench.quick ? 100_000 : 1_000_000;
  const started = new BenchServers(bench);
  try {
    bench.say('filling the stores');
    const small = await createFilled(bench, 'small', { live: 1000, cookies: 1000 });
    const large = await createFilled(bench, 'large', { live: million, cookies: 50_000 });
    const some = { ...large, cookies: large.cookies.filter((_, i) => i % 50 === 0) };
    const measures = {
      few: await prepare(bench, started, small),
      many: await prepare(bench, started, some),
      spread: await prepare(bench, started, large),
    };
    return await measureRows(bench, measures, (id) => titles[id]);
  } finally {
    await started.stop();
  }
}

async function prepare(bench, started, { directory, cookies }) {
  const server = await started.start('sessapp', 20, { directory });
  const requests = cookies.map((cookie) => ['/profile', cookie]);
  return createMeasure(bench, server, { requests, bodies: [texts.current('guest')], seconds: 4 });
}
