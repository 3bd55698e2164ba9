import express from 'express';
import session from 'sessapp/session';
import { Server } from 'socket.io';

const app = express();
const sessions = session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false });
app.use(sessions);
app.post('/login/:name', (req, res) => {
  req.session.name = req.params.name;
  res.send('in');
});
app.post('/rename/:name', (req, res) => {
  req.session.name = req.params.name;
  res.send('renamed');
});
app.get('/said', (req, res) => res.send(req.session.said ?? 'nothing'));
app.post('/logout', (req, res, next) => req.session.destroy((error) => (error ? next(error) : res.send('out'))));

export function attach(server) {
  const io = new Server(server);
  io.engine.use(sessions);
  io.use(({ request }, next) => next(request.session.name ? undefined : new Error('Log in first')));
  io.on('connection', (socket) => {
    const { request } = socket;
    socket.on('say', (text, done) => {
      // The session may have changed or been destroyed since the connection was opened.
      request.session.reload((error) => {
        if (error) return done('Log in first');
        request.session.said = text;
        request.session.save(() => done(`${request.session.name}: ${text}`));
      });
    });
  });
}

export default app;
