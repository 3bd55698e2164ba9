import { join } from 'node:path';
import next from 'next';
import session from 'sessapp/session';

const sessions = session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false });

/** A custom server in front of the pages in ./nextjs. */
export async function attach(server) {
  const app = next({ dev: true, dir: join(import.meta.dirname, 'nextjs'), httpServer: server });
  await app.prepare();
  const handle = app.getRequestHandler();
  server.on('request', (req, res) => sessions(req, res, (error) => (error ? res.destroy(error) : handle(req, res))));
}
