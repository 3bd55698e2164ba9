// Node.js alone, without sessions: the minimum for every figure.
import { createServer } from 'node:http';
import { texts } from './work.js';

const body = texts.current('guest');
const server = createServer((_req, res) => {
  res.setHeader('Content-Type', 'text/plain; charset=utf-8');
  res.end(body);
});
server.listen(Number(process.env.PORT), process.env.HOST);
