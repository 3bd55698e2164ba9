import express from 'express';
import lusca from 'lusca';
import session from 'sessapp/session';

const app = express();
app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false }));
app.use(lusca.csrf());

app.get('/token', (req, res) => {
  req.session.name ??= 'nobody';
  res.send(req.csrfToken());
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
