import { once } from 'node:events';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { repository, Sandbox } from '../support/sandbox.ts';
import { Site } from '../templates/accounts-site.ts';

const sandbox = new Sandbox(afterAll);

const upgrades = `
import { WebSocketServer } from 'ws';

const sockets = new WebSocketServer({ noServer: true });

export function upgrades(server, session) {
  server.on('upgrade', (req, socket, head) => {
    session(req, {}, (error) => {
      if (error || !req.session.userId) return socket.end('HTTP/1.1 401 Unauthorized\\r\\n\\r\\n');
      sockets.handleUpgrade(req, socket, head, (webSocket) => sockets.emit('connection', webSocket, req));
    });
  });
}
`;

/** The code from docs/accounts.md, but it checks the session more often. */
async function readSnippet(): Promise<string> {
  const page = await readFile(join(repository, 'docs', 'accounts.md'), 'utf8');
  const [, code = ''] = /^## WebSockets$.*?```js\n(.*?)```/ms.exec(page) ?? [];
  expect(code).toContain('10_000');
  return code.replace('10_000', '100');
}

test('when a session ends, its WebSocket is closed, and the others stay open', async () => {
  const site = await Site.start(sandbox, {
    edit: async (directory) => {
      const installed = await sandbox.sessapp(['install', '-e', directory, 'ws']);
      if (installed.exitCode !== 0) throw new Error(installed.stderr);
      await appendFile(join(directory, 'app.js'), upgrades + (await readSnippet()));
    },
  });
  const module = pathToFileURL(join(site.directory, 'node_modules', 'ws', 'wrapper.mjs')).href;
  const { WebSocket } = await import(module);
  const open = async (cookie: string) => {
    const webSocket = new WebSocket(site.url.replace('http', 'ws'), { headers: { Cookie: cookie } });
    await once(webSocket, 'open');
    return webSocket;
  };
  const visitor = await site.register('ann@example.com');
  const other = await site.logIn('ann@example.com');
  const [stays, ends] = [await open(visitor.cookie), await open(other.cookie)];
  const closed = once(ends, 'close');
  await visitor.send('/account/sessions/end', { ref: 'others' });
  expect((await closed)[0]).toBe(4401);
  expect(stays.readyState).toBe(WebSocket.OPEN);
  const closedToo = once(stays, 'close');
  await visitor.send('/logout', {});
  expect((await closedToo)[0]).toBe(4401);
});
