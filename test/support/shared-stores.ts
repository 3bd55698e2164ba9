import { missingPostgres, Postgres } from './postgres.ts';
import { RedisServer, redisPrograms, withoutRedis } from './redis-server.ts';

/** A store that several machines can share, and how to start it in a test. */
export interface SharedStore {
  title: string;
  /** The name for `init --store`. */
  store: string;
  /** Why the store is not available. Undefined when it is. */
  missing?: string | undefined;
  start(): Promise<RunningStore>;
}

export interface RunningStore {
  /** The address. Undefined for the embedded store. */
  url?: URL;
  remove(): Promise<void>;
}

/** Add a new store to this list. */
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
