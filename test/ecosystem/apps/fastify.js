import { promisify } from 'node:util';
import expressInFastify from '@fastify/express';
import fastify from 'fastify';
import session from 'sessapp/session';

const app = fastify();
await app.register(expressInFastify);
app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false }));

// Express's middleware adds the session to the request of node:http.
app.post('/login/:name', async ({ raw, params }) => {
  await promisify(raw.session.regenerate).call(raw.session);
  raw.session.userId = params.name;
  return 'in';
});
app.get('/profile', async ({ raw }) => raw.session.userId ?? 'nobody');
app.post('/logout', async ({ raw }) => {
  await promisify(raw.session.destroy).call(raw.session);
  return 'out';
});

await app.ready();

export default app.routing;
