import { join } from 'node:path';

export const peersDirectory = join(import.meta.dirname, '..', 'peers');

const node = (file, ...args) => ({ program: 'node', args: [join(peersDirectory, file), ...args] });
const importChanged = (store) => node('express.js', store, '--import-changed');
const gunicorn = (...args) => ({
  program: 'gunicorn',
  args: ['--workers', '1', ...args, '--chdir', peersDirectory, 'flask_app:app'],
});

/** All servers. With `redis` a server uses a Redis with that persistence; with `postgres` it uses a PostgreSQL. */
export const servers = {
  sessapp: { title: 'sessapp, embedded store', program: 'node', args: ['server.js'], isOurs: true },
  http: { title: 'node:http, no session', ...node('http.js'), isSessionless: true },
  'express-memory': { title: 'Express + express-session, in memory', ...node('express.js', 'memory') },
  'express-redis': {
    title: 'Express + express-session + connect-redis',
    ...node('express.js', 'redis'),
    redis: 'snapshots',
  },
  'express-redis-dressed': {
    title: 'the same with helmet and pino-http, as sessapp has',
    ...node('express.js', 'redis', '--like-sessapp'),
    redis: 'snapshots',
  },
  'express-redis-durable': {
    title: 'Express + express-session + connect-redis, every write on the disk',
    ...node('express.js', 'redis'),
    redis: 'every write',
  },
  'express-postgres': {
    title: 'Express + express-session + connect-pg-simple',
    ...node('express.js', 'postgres'),
    postgres: true,
  },
  'changed-memory': { title: 'Express + sessapp/session, in memory', ...importChanged('memory') },
  'changed-redis': {
    title: 'Express + sessapp/session + connect-redis',
    ...importChanged('redis'),
    redis: 'snapshots',
  },
  'changed-postgres': {
    title: 'Express + sessapp/session + connect-pg-simple',
    ...importChanged('postgres'),
    postgres: true,
  },
  'changed-embedded-driver': {
    title: 'Express + sessapp/session, embedded store',
    ...importChanged('embedded-driver'),
  },
  'changed-redis-driver': {
    title: 'Express + sessapp/session, Redis driver',
    ...importChanged('redis-driver'),
    redis: 'snapshots',
  },
  'changed-postgres-driver': {
    title: 'Express + sessapp/session, PostgreSQL driver',
    ...importChanged('postgres-driver'),
    postgres: true,
  },
  'express-file': { title: 'Express + express-session + session-file-store', ...node('express.js', 'file') },
  'fastify-memory': { title: 'Fastify + @fastify/session, in memory', ...node('fastify.js', 'memory') },
  'fastify-memory-dressed': {
    title: 'the same with helmet and its log, as sessapp has',
    ...node('fastify.js', 'memory', '--like-sessapp'),
  },
  'fastify-secure': { title: 'Fastify + @fastify/secure-session', ...node('fastify.js', 'secure') },
  flask: { title: 'Flask + gunicorn, one worker', ...gunicorn() },
  'flask-threads': {
    title: 'Flask + gunicorn, one worker with threads that keep connections',
    ...gunicorn('--worker-class', 'gthread', '--threads', '4'),
  },
};

/** The id of a row: a server, and the version of Node.js if the server runs on Node.js. */
export function rowId(id, major) {
  return servers[id].program === 'node' ? `${id}@${major}` : id;
}

export function rowTitle(row) {
  const [id, major] = row.split('@');
  return major === undefined ? servers[id].title : `${servers[id].title} (Node ${major})`;
}
