// A form that shows its result after a redirect.
import flash from 'connect-flash';
import express from 'express';
import session from 'sessapp/session';

const app = express();
app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false }));
app.use(flash());
app.use(express.urlencoded());

app.get('/', (req, res) => {
  const messages = [...req.flash('error'), ...req.flash('info')];
  const [name = ''] = req.flash('name');
  res.send(`<p>${messages.join(' ')}</p><form method="post"><input name="name" value="${encodeURI(name)}"></form>`);
});
app.post('/', (req, res) => {
  const { name } = req.body;
  if (name.length < 3) {
    req.flash('error', ['The name is too short.', 'Try again.']);
    req.flash('name', name);
  } else {
    req.flash('info', 'Thank you.');
  }
  res.redirect(303, '/');
});

export default app;
