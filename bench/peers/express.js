// Express + express-session: node express.js <store> [--like-sessapp] [--import-changed]
import express from 'express';
import { lifetimeMs, pages } from './work.js';

const [kind, ...flags] = process.argv.slice(2);
const { PORT, HOST, SESSION_SECRET, SESSIONS_DIRECTORY: directory, STORE_URL: url, STORE_NAME: name } = process.env;
// Only this line differs between an application with express-session and the same one with sessapp/session.
const { default: session } = await import(
  flags.includes('--import-changed') ? '../../dist/session/index.js' : 'express-session'
);

const stores = {
  memory: () => new session.MemoryStore(),
  async redis() {
    const { RedisStore } = await import('connect-redis');
    const { createClient } = await import('redis');
    const client = createClient({ url });
    await client.connect();
    return new RedisStore({ client, prefix: `${name}:` });
  },
  async postgres() {
    const { default: createPostgresStore } = await import('connect-pg-simple');
    const PostgresStore = createPostgresStore(session);
    return new PostgresStore({ conString: url, createTableIfMissing: true });
  },
  async file() {
    const { default: createFileStore } = await import('session-file-store');
    const FileStore = createFileStore(session);
    return new FileStore({ path: directory, logFn: () => undefined });
  },
  'embedded-driver': async () => (await import('../../dist/stores/embedded/index.js')).embedded({ directory }),
  'redis-driver': async () => (await import('../../dist/stores/redis/index.js')).redis({ url, name }),
  'postgres-driver': async () => (await import('../../dist/stores/postgres/index.js')).postgres({ url, name }),
};

const app = express();
app.disable('x-powered-by');
app.set('trust proxy', 1);
if (flags.includes('--like-sessapp')) await addLogAndHeaders();
app.use(
  session({
    secret: SESSION_SECRET,
    store: await stores[kind](),
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: 'lax', secure: true, maxAge: lifetimeMs },
  }),
);
for (const [path, work] of pages) app.get(path, (req, res) => res.type('text').send(work(req.session)));
app.listen(PORT, HOST);

// Adds a log line for each request, and security headers, as a server of sessapp has.
async function addLogAndHeaders() {
  const { pino } = await import('pino');
  const { pinoHttp } = await import('pino-http');
  const { default: helmet } = await import('helmet');
  app.use(pinoHttp({ logger: pino({ base: null, redact: ['req.headers.cookie', 'res.headers["set-cookie"]'] }) }));
  app.use(helmet());
}
