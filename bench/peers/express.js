// Express + express-session: node express.js memory|redis|file [--like-sessapp]
import express from 'express';
import session from 'express-session';
import { lifetimeMs, pages } from './work.js';

const [kind, ...flags] = process.argv.slice(2);
const { PORT, HOST, SESSION_SECRET } = process.env;

const stores = {
  memory: () => new session.MemoryStore(),
  async redis() {
    const { RedisStore } = await import('connect-redis');
    const { createClient } = await import('redis');
    const client = createClient({ url: process.env.REDIS_URL });
    await client.connect();
    return new RedisStore({ client, prefix: process.env.REDIS_PREFIX });
  },
  async file() {
    const { default: createFileStore } = await import('session-file-store');
    const FileStore = createFileStore(session);
    return new FileStore({ path: process.env.SESSIONS_DIRECTORY, logFn: () => undefined });
  },
};

const app = express();
app.disable('x-powered-by');
app.set('trust proxy', 1);
if (flags.includes('--like-sessapp')) await dressLikeSessapp();
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

// The log line of each request, and the headers, that a server of sessapp has too.
async function dressLikeSessapp() {
  const { pino } = await import('pino');
  const { pinoHttp } = await import('pino-http');
  const { default: helmet } = await import('helmet');
  app.use(pinoHttp({ logger: pino({ base: null, redact: ['req.headers.cookie', 'res.headers["set-cookie"]'] }) }));
  app.use(helmet());
}
