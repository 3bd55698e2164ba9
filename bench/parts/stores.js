import { execFileSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createMeasure } from '../measure/load.js';
import { run as runProgram } from '../measure/processes.js';
import { measureRows } from '../measure/rounds.js';
import { texts } from '../peers/work.js';
import { BenchServers } from '../servers/bench-servers.js';
import { postgresProgram, startPostgres } from '../servers/postgres.js';
import { startRedis } from '../servers/redis.js';
import { createFilled } from '../store/filled.js';

export const title = 'Each store';

export const about =
  'The same environment on each of its stores, which hold 100,000 sessions; 1,000 of them are asked for in turn (Node 24). The store has the same processor as the server.';

export const notes = [
  'Redis writes to its disk at every change (`appendfsync always`), as the embedded store and PostgreSQL do; *Redis as it comes* keeps a snapshot now and then, so that a crash loses what came since.',
  'Bytes: the file of the embedded store; `used_memory` of Redis; table and indexes of PostgreSQL, once vacuumed.',
  'A store on another machine adds its network to the time of an answer, and takes its own time off this processor.',
];

const loads = {
  read: { path: '/profile', body: texts.current('guest') },
  write: { path: '/', body: texts.saved },
};

const stores = {
  embedded: { title: 'embedded', store: 'embedded', start: async () => undefined, sizeOf: sizeOfFile },
  redis: { title: 'Redis, every write on the disk', store: 'redis', ...redis('every write') },
  'redis-snapshots': { title: 'Redis as it comes', store: 'redis', ...redis('snapshots') },
  postgres: { title: 'PostgreSQL', store: 'postgres', start: startPostgres, sizeOf: sizeInPostgres },
};

export async function run(bench) {
  const count = bench.quick ? 10_000 : 100_000;
  const servers = new BenchServers(bench);
  const started = [];
  try {
    const measures = {};
    for (const [id, { store, start, sizeOf }] of Object.entries(stores)) {
      if (isMissing(bench, store)) continue;
      const engine = await start(bench.workshop);
      if (engine) started.push(engine);
      const options = ['--store', store, ...(engine ? ['--store-url', engine.url] : [])];
      bench.say(`filling ${id}`);
      const empty = engine ? await sizeOf(engine) : 0;
      const filled = await createFilled(bench, id, { live: count, cookies: 1000, options });
      const storedBytes = ((await sizeOf(engine, filled.directory)) - empty) / count;
      const server = await servers.start('sessapp', 24, { directory: filled.directory, store: engine });
      for (const [name, { path, body }] of Object.entries(loads)) {
        const requests = filled.cookies.map((cookie) => [path, cookie]);
        const measure = await createMeasure(bench, server, { requests, bodies: [body], seconds: 3 });
        measures[`${id} ${name}`] = async () => ({ ...(await measure()), storedBytes });
      }
    }
    return await measureRows(bench, measures, titleOf);
  } finally {
    await servers.stop();
    for (const { stop } of started) await stop();
  }
}

function isMissing({ missing }, store) {
  if (store === 'redis') return missing.includes('redis-server');
  return store === 'postgres' && postgresProgram('initdb') === undefined;
}

function titleOf(id) {
  const [store, kind] = id.split(' ');
  return `${stores[store].title}, ${kind}s`;
}

function redis(persistence) {
  return { start: (workshop) => startRedis(workshop, persistence), sizeOf: sizeInRedis };
}

async function sizeOfFile(_, directory) {
  return (await stat(join(directory, 'data', 'sessions', 'data.mdb'))).blocks * 512;
}

async function sizeInRedis({ url }) {
  const info = await runProgram('redis-cli', ['-u', url, 'info', 'memory']);
  return Number(/used_memory:(\d+)/.exec(info)?.[1]);
}

async function sizeInPostgres({ url }) {
  const sql = 'vacuum full; select pg_database_size(current_database())';
  return Number(
    execFileSync(postgresProgram('psql'), [url, '-qAt', ...sql.split('; ').flatMap((line) => ['-c', line])], {
      encoding: 'utf8',
    }),
  );
}
