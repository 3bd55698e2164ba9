// A list for each user. After the login, the user returns to the requested page.
import express from 'express';
import passport from 'passport';
import { Strategy } from 'passport-local';
import session from 'sessapp/session';

const lists = new Map();
const verify = (username, password, done) =>
  password === 'right' ? done(null, username) : done(null, false, { message: 'Wrong password.' });
passport.use(new Strategy(verify));
passport.serializeUser((user, done) => done(null, user));
passport.deserializeUser((user, done) => done(null, user));

const app = express();
app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false }));
app.use(passport.session());
app.use(express.urlencoded());

app.get('/login', (req, res) => {
  const [message = ''] = req.session.messages?.splice(0) ?? [];
  res.send(`${message}<form method="post"><input name="username"><input name="password" type="password"></form>`);
});
app.post(
  '/login',
  passport.authenticate('local', { failureRedirect: '/login', failureMessage: true, keepSessionInfo: true }),
  (req, res) => {
    const { returnTo = '/todos' } = req.session;
    delete req.session.returnTo;
    res.redirect(303, returnTo);
  },
);
app.post('/logout', (req, res, next) => req.logout((error) => (error ? next(error) : res.redirect(303, '/login'))));

const todos = express.Router();
todos.use((req, res, next) => {
  if (req.isAuthenticated()) return next();
  req.session.returnTo = req.originalUrl;
  res.redirect(303, '/login');
});
todos.get('/', (req, res) => {
  const shown = (lists.get(req.user) ?? []).filter(({ isDone }) => req.query.show === 'all' || !isDone);
  res.send(`<h1>${req.user}</h1><ul>${shown.map(({ text }) => `<li>${encodeURI(text)}</li>`).join('')}</ul>`);
});
todos.post('/', (req, res) => {
  lists.set(req.user, [...(lists.get(req.user) ?? []), { text: req.body.text, isDone: false }]);
  res.redirect(303, '/todos');
});
todos.post('/:number/done', (req, res) => {
  lists.get(req.user)[req.params.number].isDone = true;
  res.redirect(303, '/todos');
});
app.use('/todos', todos);

export default app;
