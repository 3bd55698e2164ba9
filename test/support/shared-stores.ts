import { missingPostgres, Postgres } from './postgres.ts';
import { RedisServer, redisPrograms, withoutRedis } from './redis-server.ts';

/** A store that several machines may share, and how a test has one. */
export interface SharedStore {
  title: string;
  /** What `init --store` takes. */
  store: string;
  /** Why it is not to be had here; undefined when it is. */
  missing?: string | undefined;
  start(): Promise<RunningStore>;
}

export interface RunningStore {
  /** For a store behind a network. */
  url?: URL;
  remove(): Promise<void>;
}

/** A new store signs up here. */
export const sharedStores: SharedStore[] = [
  { title: 'the embedded store', store: 'embedded', start: async () => ({ remove: async () => undefined }) },
  { title: 'Redis', store: 'redis', missing: redisPrograms.length === 0 ? withoutRedis : undefined, start: startRedis },
  { title: 'PostgreSQL', store: 'postgres', missing: missingPostgres, start: startPostgres },
];

async function startRedis(): Promise<RunningStore> {
  const server = await new RedisServer(redisPrograms[0] ?? '', '--appendonly', 'yes').start();
  return { url: new URL(server.url), remove: () => server.remove() };
}

async function startPostgres(): Promise<RunningStore> {
  const server = await Postgres.create();
  await server.start();
  return { url: new URL(server.url()), remove: () => server.remove() };
}
