import express from 'express';
import expressWs from 'express-ws';
import session from 'sessapp/session';

const app = express();

export function attach(server) {
  expressWs(app, server);
  app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false }));
  app.post('/login/:name', (req, res) => {
    req.session.name = req.params.name;
    res.send('in');
  });
  app.get('/said', (req, res) => res.send(req.session.said ?? 'nothing'));
  app.post('/logout', (req, res, next) => req.session.destroy((error) => (error ? next(error) : res.send('out'))));
  app.ws('/', (webSocket, req) => {
    if (!req.session.name) return webSocket.close();
    webSocket.on('message', (text) => {
      req.session.said = text;
      req.session.save((error) => webSocket.send(error ? error.message : `${req.session.name}: ${text}`));
    });
  });
}

export default app;
