import express from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';
import session from 'sessapp/session';

const app = express();

// The proxy's target, on the same server.
app.use('/behind', express.text(), (req, res) => res.send(`${req.headers['x-user']} ${req.body ?? ''}`.repeat(10_000)));

app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false }));
app.post('/login/:name', (req, res) => {
  req.session.name = req.params.name;
  res.send('in');
});
app.use(
  '/api',
  (req, _, next) => {
    req.session.calls = (req.session.calls ?? 0) + 1;
    next();
  },
  createProxyMiddleware({
    target: `${process.env.URL}/behind`,
    on: { proxyReq: (sent, req) => sent.setHeader('X-User', `${req.session.name} ${req.session.calls}`) },
  }),
);

export default app;
