import express from 'express';
import { rateLimit } from 'express-rate-limit';
import session from 'sessapp/session';

const app = express();
app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false }));

app.post('/login/:name', (req, res) => {
  req.session.name = req.params.name;
  res.send('in');
});
app.use(rateLimit({ limit: 2, keyGenerator: ({ session: { name = 'nobody' } }) => name }));
app.get('/', (req, res) => res.send(req.session.name));

export default app;
