import express from 'express';
import session from 'sessapp/session';
import { WebSocketServer } from 'ws';

const app = express();
const sessions = session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false });
app.use(sessions);
app.post('/login/:name', (req, res) => {
  req.session.name = req.params.name;
  res.send('in');
});
app.get('/said', (req, res) => res.send(req.session.said ?? 'nothing'));
app.post('/logout', (req, res, next) => req.session.destroy((error) => (error ? next(error) : res.send('out'))));

export function attach(server) {
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (req, socket, head) => {
    sessions(req, {}, (error) => {
      if (error || !req.session.name) return socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
      sockets.handleUpgrade(req, socket, head, (webSocket) => sockets.emit('connection', webSocket, req));
    });
  });
  sockets.on('connection', (webSocket, req) => {
    webSocket.on('message', (text) => {
      req.session.said = String(text);
      req.session.save((error) => webSocket.send(error ? error.message : `${req.session.name}: ${text}`));
    });
  });
}

export default app;
