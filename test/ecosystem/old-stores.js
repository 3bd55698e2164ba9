// The stores that applications with express-session use: how to open each, and how to list its sessions.
import { readdir } from 'node:fs/promises';

export async function openOldStore(session, name, place) {
  if (name === 'redis') {
    const [{ RedisStore }, { createClient }] = await Promise.all([import('connect-redis'), import('redis')]);
    const client = await createClient({ url: place }).connect();
    return { store: new RedisStore({ client }), close: () => client.close() };
  }
  if (name === 'postgres') {
    const [{ default: connect }, { default: pg }] = await Promise.all([import('connect-pg-simple'), import('pg')]);
    const pool = new pg.Pool({ connectionString: place, max: 5 });
    const store = new (connect(session))({ pool, createTableIfMissing: true, pruneSessionInterval: false });
    const ids = async () => (await pool.query('SELECT sid FROM session')).rows.map(({ sid }) => sid);
    return { store, ids, close: () => pool.end() };
  }
  const { default: connect } = await import('session-file-store');
  const store = new (connect(session))({ path: place, retries: 1, reapInterval: -1, logFn: () => undefined });
  const ids = async () =>
    (await readdir(place)).filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -5));
  return { store, ids, close: async () => undefined };
}

export async function openNewStore(name, place) {
  const stores = await import(`sessapp/stores/${name}`);
  const store = stores[name](name === 'embedded' ? { directory: place } : { url: place });
  // The process is ready only when it is connected to its store.
  await store.ping();
  return store;
}
