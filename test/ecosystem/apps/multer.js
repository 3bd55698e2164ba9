import express from 'express';
import multer from 'multer';
import session from 'sessapp/session';

const app = express();
app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false }));
const upload = multer({ storage: multer.memoryStorage() });

app.post('/files', upload.array('files'), (req, res) => {
  const added = req.files.map(({ originalname, size }) => ({ name: originalname, size }));
  req.session.files = [...(req.session.files ?? []), ...added];
  res.redirect(303, '/files');
});
app.get('/files', (req, res) => res.json(req.session.files ?? []));

export default app;
