// Serves the application in a file on a free port, and prints its address. The application finds the address in URL.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const server = createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
process.env.URL = `http://127.0.0.1:${server.address().port}`;
const application = await import(pathToFileURL(process.argv[2]).href);
if (application.default) server.on('request', application.default);
await application.attach?.(server);
console.log(JSON.stringify({ event: 'listening', url: process.env.URL }));
