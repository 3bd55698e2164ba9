import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { installEcosystem, libraries, type Running, requireInstalled, startApplication } from '../support/ecosystem.ts';

installEcosystem();

const post: RequestInit = { method: 'POST' };

interface Socket {
  send(text: string): void;
  close(): void;
}

/** Resolves to the reply to this message, or to 'refused' when there is no connection. */
function say(url: string, cookie: string, text: string): Promise<string> {
  const WebSocket = requireInstalled<new (url: string, options: object) => Socket & NodeJS.EventEmitter>('ws');
  const socket = new WebSocket(url.replace('http', 'ws'), { headers: { Cookie: cookie } });
  onTestFinished(() => socket.close());
  return new Promise((resolve) => {
    socket.on('open', () => socket.send(text));
    socket.on('message', (message) => resolve(String(message)));
    for (const event of ['error', 'close']) socket.on(event, () => resolve('refused'));
  });
}

/** A logged-in browser and its cookie. */
async function login(app: Running, name: string) {
  const browser = app.browser();
  const response = await browser(`/login/${name}`, post);
  return { browser, cookie: response.headers.get('Set-Cookie')?.split(';')[0] ?? '' };
}

interface Client extends NodeJS.EventEmitter {
  emitWithAck(event: string, text: string): Promise<string>;
  close(): void;
}

async function connect(url: string, transport: string, Cookie: string): Promise<Client> {
  const { io } = requireInstalled<{ io: (url: string, options: object) => Client }>('socket.io-client');
  const socket = io(url, { transports: [transport], extraHeaders: { Cookie }, forceNew: true, reconnection: false });
  onTestFinished(() => socket.close());
  await Promise.race([once(socket, 'connect'), once(socket, 'connect_error').then(([error]) => Promise.reject(error))]);
  return socket;
}

describe.each(libraries)('with %s', (library) => {
  test.each(['ws', 'express-ws'])('a socket of %s has the session of its user, and saves it', async (name) => {
    const app = await startApplication(name, library);
    const ann = await login(app, 'ann');
    expect(await say(app.url, ann.cookie, 'hello')).toBe('ann: hello');
    expect(await (await ann.browser('/said')).text()).toBe('hello');
    expect(await say(app.url, '', 'hello')).toBe('refused');
    await ann.browser('/logout', post);
    expect(await say(app.url, ann.cookie, 'hello')).toBe('refused');
  });

  test.each(['polling', 'websocket'])(
    'a socket of Socket.IO by %s reloads its session, and saves it',
    async (transport) => {
      const app = await startApplication('socket.io', library);
      const ann = await login(app, 'ann');
      await expect(connect(app.url, transport, '')).rejects.toThrow('Log in first');
      const socket = await connect(app.url, transport, ann.cookie);
      expect(await socket.emitWithAck('say', 'hello')).toBe('ann: hello');
      expect(await (await ann.browser('/said')).text()).toBe('hello');
      await ann.browser('/rename/anna', post);
      expect(await socket.emitWithAck('say', 'again')).toBe('anna: again');
      expect(await (await ann.browser('/said')).text()).toBe('again');
      await ann.browser('/logout', post);
      expect(await socket.emitWithAck('say', 'still here')).toBe('Log in first');
      await expect(connect(app.url, transport, ann.cookie)).rejects.toThrow('Log in first');
    },
  );
});
