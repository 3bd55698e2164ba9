import express from 'express4';
import session from 'sessapp/session';

const app = express();
app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false }));

app.post('/login/:name', (req, res, next) => {
  req.session.regenerate((error) => {
    if (error) return next(error);
    req.session.userId = req.params.name;
    res.send('in');
  });
});
app.get('/profile', (req, res) => res.send(req.session.userId ?? 'nobody'));
app.post('/logout', (req, res, next) => {
  req.session.destroy((error) => (error ? next(error) : res.send('out')));
});

export default app;
