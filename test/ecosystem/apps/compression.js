import compression from 'compression';
import express from 'express';
import session from 'sessapp/session';

const app = express();
const sessions = session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false });
const line = 'easily compressed '.repeat(100);

const visit = (req) => {
  req.session.visits = (req.session.visits ?? 0) + 1;
};
const routes = express.Router();
routes.get('/whole', (req, res) => {
  visit(req);
  res.send(line + req.session.visits);
});
routes.get('/stream', async (req, res) => {
  res.type('text').write(line);
  await new Promise(setImmediate);
  res.flush();
  visit(req);
  res.end(String(req.session.visits));
});

app.use('/before', compression({ threshold: 0 }), sessions, routes);
app.use('/after', sessions, compression({ threshold: 0 }), routes);

export default app;
