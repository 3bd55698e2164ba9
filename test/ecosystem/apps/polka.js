import polka from 'polka';
import session from 'sessapp/session';

const app = polka();
app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false }));

app.post('/login/:name', (req, res) => {
  req.session.regenerate((error) => {
    if (error) return app.onError(error, req, res);
    req.session.userId = req.params.name;
    res.end('in');
  });
});
app.get('/profile', (req, res) => res.end(req.session.userId ?? 'nobody'));
app.post('/logout', (req, res) => {
  req.session.destroy((error) => (error ? app.onError(error, req, res) : res.end('out')));
});

export default app.handler;
