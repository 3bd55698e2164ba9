import cookieParser from 'cookie-parser';
import { doubleCsrf } from 'csrf-csrf';
import express from 'express';
import session from 'sessapp/session';

const { generateCsrfToken, doubleCsrfProtection } = doubleCsrf({
  getSecret: () => process.env.SESSION_SECRET,
  getSessionIdentifier: ({ session: { id } }) => id,
  cookieName: 'csrf',
  cookieOptions: { secure: false },
});

const app = express();
app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false }));
app.use(cookieParser());
app.use(doubleCsrfProtection);

app.get('/token', (req, res) => {
  req.session.name ??= 'nobody';
  res.send(generateCsrfToken(req, res));
});
app.post('/login/:name', (req, res, next) => {
  req.session.regenerate((error) => {
    if (error) return next(error);
    req.session.name = req.params.name;
    res.send('in');
  });
});
app.post('/rename/:name', (req, res) => {
  req.session.name = req.params.name;
  res.send('renamed');
});
app.get('/profile', (req, res) => res.send(req.session.name));

export default app;
