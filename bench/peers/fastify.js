// Fastify with a session plugin: node fastify.js memory|secure [--like-sessapp]
import Fastify from 'fastify';
import { lifetimeMs, pages } from './work.js';

const [kind, ...flags] = process.argv.slice(2);
const { PORT, HOST, SESSION_SECRET } = process.env;
const cookie = { path: '/', httpOnly: true, sameSite: 'lax', secure: true };
const isLikeSessapp = flags.includes('--like-sessapp');

const plugins = {
  async memory(app) {
    await app.register(import('@fastify/cookie'));
    await app.register(import('@fastify/session'), {
      secret: SESSION_SECRET,
      saveUninitialized: false,
      rolling: false,
      cookie: { ...cookie, maxAge: lifetimeMs },
    });
  },
  async secure(app) {
    const key = Buffer.from(SESSION_SECRET, 'base64url');
    const seconds = lifetimeMs / 1000;
    await app.register(import('@fastify/secure-session'), {
      key,
      expiry: seconds,
      cookie: { ...cookie, maxAge: seconds },
    });
  },
};

const app = Fastify({ trustProxy: true, logger: isLikeSessapp });
if (isLikeSessapp) await app.register(import('@fastify/helmet'));
await plugins[kind](app);
for (const [path, work] of pages)
  app.get(path, (request, reply) => reply.type('text/plain; charset=utf-8').send(work(request.session)));
await app.listen({ port: Number(PORT), host: HOST });
