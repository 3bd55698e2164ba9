// The provider identifies the user; the session keeps the user and the cart.
import { promisify } from 'node:util';
import express from 'express';
import openId from 'express-openid-connect';
import session from 'sessapp/session';

const app = express();
app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false }));
app.post('/cart/:item', (req, res) => {
  req.session.cart = req.params.item;
  res.send('in the cart');
});
app.use(
  openId.auth({
    baseURL: process.env.URL,
    issuerBaseURL: process.env.PROVIDER,
    clientID: 'client',
    clientSecret: 'secret of the client',
    secret: process.env.SESSION_SECRET,
    authRequired: false,
    idTokenSigningAlg: 'RS256',
    routes: { logout: false },
    session: { store: new session.MemoryStore(), cookie: { sameSite: 'Lax' } },
    authorizationParams:
      process.env.RESPONSE_MODE === 'form_post'
        ? { response_type: 'id_token', response_mode: 'form_post', scope: 'openid' }
        : { response_type: 'code', scope: 'openid' },
    afterCallback: async (req, _, tokens) => {
      const { cart } = req.session;
      await promisify(req.session.regenerate).call(req.session);
      const claims = JSON.parse(Buffer.from(tokens.id_token.split('.')[1], 'base64url').toString());
      Object.assign(req.session, { cart, userId: claims.sub });
      return tokens;
    },
  }),
);
app.get('/', (req, res) => {
  const { userId, cart } = req.session;
  res.json({ userId, cart, provider: req.oidc.user?.sub });
});
app.post('/logout', (req, res, next) => {
  req.session.destroy((error) => (error ? next(error) : res.oidc.logout({ returnTo: process.env.URL })));
});

export default app;
