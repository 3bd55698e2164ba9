// Streams each reply word by word, and keeps questions and replies in the session.
import { setImmediate as pause } from 'node:timers/promises';
import express from 'express';
import session from 'sessapp/session';

const app = express();
app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false }));
app.use(express.text());

app.post('/chat', async (req, res) => {
  const history = [...(req.session.history ?? []), req.body];
  // The cookie of a new session is sent with the first byte.
  req.session.history = history;
  const words = `${history.length}: you said ${req.body}`.split(' ');
  res.set('Content-Type', 'text/event-stream');
  for (const word of words) {
    res.write(`data: ${word}\n\n`);
    await pause();
  }
  req.session.history = [...history, words.join(' ')];
  res.end();
});
app.get('/history', (req, res) => res.json(req.session.history ?? []));
app.post('/forget', (req, res, next) => req.session.destroy((error) => (error ? next(error) : res.send('forgotten'))));

export default app;
