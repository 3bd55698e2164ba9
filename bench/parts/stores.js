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
  'The same environment with each store. The store contains 100,000 sessions, and the requests use 1,000 of them in turn (Node 24). The store runs on the same processor as the server.';

export const notes = [
  'Redis writes every change to its disk (`appendfsync always`), as the embedded store and PostgreSQL do. *Redis as it comes* has its default configuration: it saves a snapshot at intervals, and a crash loses all later changes.',
  'Bytes: the file of the embedded store; `used_memory` of Redis; the table and indexes of PostgreSQL, after a vacuum.',
  'A store on another machine adds network time to each response, but does not use this processor.',
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
      const engine = await start(bench.workspace);
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
  return { start: (workspace) => startRedis(workspace, persistence), sizeOf: sizeInRedis };
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
