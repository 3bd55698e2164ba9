import connect from 'connect';
import session from 'sessapp/session';

const app = connect();
app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false }));

// Connect removes the mount path from the URL.
app.use('/login/', (req, res, next) => {
  req.session.regenerate((error) => {
    if (error) return next(error);
    req.session.userId = req.url.slice(1);
    res.end('in');
  });
});
app.use('/profile', (req, res) => res.end(req.session.userId ?? 'nobody'));
app.use('/logout', (req, res, next) => {
  req.session.destroy((error) => (error ? next(error) : res.end('out')));
});

export default app;
