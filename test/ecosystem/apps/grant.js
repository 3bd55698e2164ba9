import express from 'express';
import grant from 'grant';
import session from 'sessapp/session';

const { PROVIDER, URL: origin, SESSION_SECRET } = process.env;
const app = express();
app.use(session({ secret: SESSION_SECRET, resave: false, saveUninitialized: false }));
app.use(
  grant.express({
    defaults: { origin, transport: 'session', state: true, pkce: true },
    local: {
      oauth: 2,
      authorize_url: `${PROVIDER}/authorize`,
      access_url: `${PROVIDER}/token`,
      key: 'client',
      secret: 'secret of the client',
      scope: ['openid'],
      response: ['tokens', 'jwt'],
      callback: '/connected',
    },
  }),
);

app.get('/connected', (req, res, next) => {
  const { response } = req.session.grant;
  if (response.error) return res.status(401).json(response);
  const userId = response.jwt.id_token.payload.sub;
  req.session.regenerate((error) => {
    if (error) return next(error);
    req.session.userId = userId;
    res.redirect('/');
  });
});
app.get('/', (req, res) => res.json({ userId: req.session.userId, grant: req.session.grant }));
app.post('/logout', (req, res, next) => req.session.destroy((error) => (error ? next(error) : res.redirect(303, '/'))));

export default app;
