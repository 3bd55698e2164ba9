// Express alone, as in its "Hello world" example.
import express from 'express';

const app = express();
app.get('/profile', (_req, res) => {
  res.send('Hello World!');
});
app.listen(process.env.PORT, process.env.HOST);
