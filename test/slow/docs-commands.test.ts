import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { expect, onTestFinished, test } from 'vitest';
import { createBrowser } from '../../src/testing/browser.ts';
import { type Block, openPage } from '../support/docs.ts';
import { send } from '../support/http.ts';
import { Reader } from '../support/reader.ts';
import { Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, waitFor } from '../support/server.ts';

const accounts = openPage('docs/accounts.md', import.meta.filename);
const deploy = openPage('docs/deploy.md', import.meta.filename);
const server = openPage('docs/server.md', import.meta.filename);

const [withWs, withSocketIo] = server.takeAll('WebSockets', 'js');

/** A reader in the directory above an environment. */
async function open(name = 'myenv'): Promise<Reader> {
  const sandbox = new Sandbox();
  await copyEnvironment(sandbox, name);
  return Reader.open(sandbox);
}

test('a shop with accounts has pages of its own, and passkeys', async () => {
  const reader = await Reader.open(new Sandbox());
  await reader.type(accounts.take('Accounts', 'sh'));
  expect((await send(`${reader.url}/register`)).body).toContain('<form');
  await reader.interrupt();

  const file = reader.sandbox.path('shop', 'app.js');
  const before = await readFile(file, 'utf8');
  const imports = `import { html } from './app/pages/html.js';
    import { sendPage } from './app/pages/page.js';
    import { requireRecentPassword, requireUser } from './app/session.js';
    const exportOrders = (req, res) => res.send('orders');`;
  const own = `${imports}\nexport async function routes(app) {\n  await routesOfAccounts(app);\n${accounts.take('Files', 'js').code}}\n`;
  await writeFile(file, own + before.replace(/export (async )?function routes\(/, 'async function routesOfAccounts('));
  await reader.type({ code: 'sessapp serve shop' });
  expect(await send(`${reader.url}/orders`)).toMatchObject({
    status: 303,
    headers: { location: expect.stringContaining('/login') },
  });
  await reader.interrupt();

  await writeFile(file, before);
  await reader.type(accounts.take('Passkeys', 'sh'));
  await reader.type({ code: 'sessapp serve shop' });
  expect((await send(`${reader.url}/login`)).body).toContain('passkeys');
});

test('a package of another folder is packed into an environment, and deploy then writes the files of an image', async () => {
  const reader = await open();
  await mkdir(reader.sandbox.path('mine'));
  await writeFile(reader.sandbox.path('mine', 'package.json'), '{ "name": "mine", "version": "1.0.0" }');
  await reader.type({ code: 'cd myenv' });
  await reader.type(deploy.take('Images', 'sh'));
  expect(await reader.type({ code: 'sessapp deploy docker --json' })).toContain('"status":"deployed"');
});

interface Socket extends NodeJS.EventEmitter {
  close(): void;
}

/** Routes that log in, before a block that exports `upgrades`. */
function withLogin(block: Block): string {
  return `${block.code}
export function routes(app) {
  app.get('/login', (req, res) => { req.session.userId = 'ann'; res.send('in'); });
}
`;
}

test('a WebSocket of ws greets a user, refuses others, and closes when the session ends', async () => {
  const reader = await open();
  const closing = accounts.take('WebSockets', 'js').code.replace('10_000', '100');
  const logout = "  app.get('/logout', (req, res) => req.session.destroy(() => res.send('out')));\n}\n";
  const code = withLogin(withWs as Block).replace(/}\n$/, logout);
  await writeFile(reader.sandbox.path('myenv', 'app.js'), code.replace(/(?=export function upgrades)/, `${closing}\n`));
  await reader.type({ code: 'sessapp install ws -e myenv\nsessapp serve myenv' });
  const requireInstalled = createRequire(reader.sandbox.path('myenv', 'app.js'));
  const WebSocket = requireInstalled('ws') as new (url: string, options: object) => Socket;
  const connect = (Cookie: string): Socket => {
    const socket = new WebSocket(reader.url.replace('http', 'ws'), { headers: { Cookie } });
    onTestFinished(() => socket.close());
    return socket;
  };
  const first = (socket: Socket): Promise<string> =>
    new Promise((resolve) => {
      socket.on('message', (data) => resolve(String(data)));
      socket.on('error', (error: Error) => resolve(error.message));
    });
  const { cookie } = await send(`${reader.url}/login`);
  const socket = connect(cookie);
  let closedBy = 0;
  socket.on('close', (status: number) => {
    closedBy = status;
  });
  expect(await first(socket)).toBe('Hello, ann.');
  expect(await first(connect(''))).toContain('401');
  await send(`${reader.url}/logout`, { headers: { Cookie: cookie } });
  await waitFor(() => closedBy === 4401);
});

test('a connection of Socket.IO has the session', async () => {
  const reader = await open();
  await writeFile(reader.sandbox.path('myenv', 'app.js'), withLogin(withSocketIo as Block));
  await reader.type({ code: 'sessapp install socket.io socket.io-client -e myenv\nsessapp serve myenv' });
  const requireInstalled = createRequire(reader.sandbox.path('myenv', 'app.js'));
  const { io } = requireInstalled('socket.io-client') as { io: (url: string, options: object) => Socket };
  const visit = createBrowser(reader.url, Date.now);
  const Cookie = (await visit('/login')).headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const socket = io(reader.url, { extraHeaders: { Cookie } });
  onTestFinished(() => socket.close());
  expect(await new Promise((resolve) => socket.on('hello', resolve))).toBe('ann');
});
