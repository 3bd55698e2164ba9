import express from 'express';
import passport from 'passport';
import { Strategy } from 'passport-local';
import session from 'sessapp/session';

const verify = (username, password, done) =>
  password === 'right' ? done(null, { id: username }) : done(null, false, { message: 'Wrong password' });
passport.use(new Strategy(verify));
passport.serializeUser(({ id }, done) => done(null, id));
passport.deserializeUser((id, done) => done(null, { id }));

const app = express();
app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false }));
app.use(passport.session());
app.use(express.urlencoded());

app.post('/cart', (req, res) => {
  req.session.cart = req.body.item;
  res.send('in the cart');
});
const options = { successRedirect: '/', failureRedirect: '/', failureMessage: true };
app.post('/login', passport.authenticate('local', options));
app.post('/login-with-cart', passport.authenticate('local', { ...options, keepSessionInfo: true }));
app.post('/logout', (req, res, next) => req.logout((error) => (error ? next(error) : res.redirect('/'))));
app.get('/', (req, res) => {
  const { cart, messages } = req.session;
  delete req.session.messages;
  res.json({ user: req.user?.id, isAuthenticated: req.isAuthenticated(), cart, messages });
});

export default app;
