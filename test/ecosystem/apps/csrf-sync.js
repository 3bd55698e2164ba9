import { csrfSync } from 'csrf-sync';
import express from 'express';
import session from 'sessapp/session';

const { generateToken, csrfSynchronisedProtection } = csrfSync();

const app = express();
app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false }));
app.use(csrfSynchronisedProtection);

app.get('/token', (req, res) => {
  req.session.name ??= 'nobody';
  res.send(generateToken(req));
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
