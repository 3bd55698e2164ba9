import { mkdir, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { linkPackages, openPage } from '../support/docs.ts';
import { type HttpResponse, send } from '../support/http.ts';
import { freePort } from '../support/redis-server.ts';
import { finish, repository, Sandbox } from '../support/sandbox.ts';

const page = openPage('docs/library.md', import.meta.filename);

const languages: Record<string, string> = { TypeScript: 'ts', CommonJS: 'cjs' };
const types = ['@types/express', '@types/express-session', '@types/node'];

/** A directory with the block as a module, in an application with the packages that the page names. */
async function writeApplication(
  heading: string,
  ports: Record<string, number>,
): Promise<{ sandbox: Sandbox; file: string }> {
  const sandbox = new Sandbox();
  const { language, code } = page.take(heading, languages[heading] ?? 'js');
  await linkPackages(sandbox, 'express', 'lmdb', 'redis', 'pg', ...types);
  await writeFile(sandbox.path('package.json'), '{ "type": "module" }');
  const file = sandbox.path(`app.${language}`);
  const port = new RegExp(Object.keys(ports).join('|'), 'g');
  await writeFile(
    file,
    code.replace(port, (number) => String(ports[number])),
  );
  return { sandbox, file };
}

/** Runs the block's server until the test ends. @returns its address, once it responds */
async function serve(
  heading: string,
  prepare: (file: string, sandbox: Sandbox) => Promise<string> = keep,
): Promise<string> {
  const port = await freePort();
  const { sandbox, file } = await writeApplication(heading, { 3000: port });
  const started = await prepare(file, sandbox);
  const child = sandbox.spawn(process.execPath, [started], { env: { SESSION_SECRET: 's'.repeat(43) } });
  const ended = finish(child);
  const url = `http://localhost:${port}/`;
  while (child.exitCode === null) {
    if (await send(url).catch(() => undefined)) return url;
    await wait(50);
  }
  throw new Error((await ended).stderr);
}

const keep = async (file: string): Promise<string> => file;

async function expectVisits(url: string): Promise<HttpResponse> {
  const first = await send(url);
  expect(first.body).toBe('You have been here 1 times.\n');
  const second = await send(url, { headers: { Cookie: first.cookie } });
  expect(second.body).toBe('You have been here 2 times.\n');
  return first;
}

test('the first application counts the visits of a session', async () => {
  const { headers } = await expectVisits(await serve('Install'));
  expect(headers['set-cookie']?.[0]).toMatch(/^connect\.sid=.*; SameSite=Lax$/);
});

test('the stores of Redis and PostgreSQL connect to the addresses in the code', async () => {
  const [redis, postgres] = [await freePort(), await freePort()];
  const { sandbox, file } = await writeApplication('Stores', { 6379: redis, 5432: postgres });
  const script = sandbox.path('ping.js');
  await writeFile(
    script,
    `import { inRedis, inPostgres } from './app.js';
    for (const store of [inRedis, inPostgres]) console.log(await store.ping().catch((error) => error.message));
    process.exit();`,
  );
  expect(file).toBe(sandbox.path('app.js'));
  const { stdout, stderr } = await finish(sandbox.spawn(process.execPath, [script]));
  const [fromRedis, fromPostgres] = stdout.split('\n');
  expect(fromRedis, stderr).toMatch(`localhost:${redis}`);
  expect(fromPostgres, stderr).toMatch(/ECONNREFUSED|connect/);
});

test('a store of express-session keeps the visits', async () => {
  await expectVisits(await serve('An express-session store'));
});

test('update loses no count of concurrent requests', async () => {
  const url = await serve('Counters and lists');
  const { cookie } = await expectVisits(url);
  await Promise.all(Array.from({ length: 20 }, () => send(url, { headers: { Cookie: cookie } })));
  const last = await send(url, { headers: { Cookie: cookie } });
  expect(last.body).toBe('You have been here 23 times.\n');
});

test('a user lists and ends the sessions of other devices', async () => {
  const url = await serve('The sessions of a user');
  const [phone, laptop] = [await send(`${url}login/ann`), await send(`${url}login/ann`)];
  const asLaptop = (path: string, method = 'GET') => send(url + path, { method, headers: { Cookie: laptop.cookie } });
  const devices = JSON.parse((await asLaptop('devices')).body) as { ref: string; isThis: boolean }[];
  expect(devices.map(({ isThis }) => isThis).sort()).toEqual([false, true]);
  const { ref } = devices.find(({ isThis }) => !isThis) ?? {};
  expect(JSON.parse((await asLaptop(`devices/${ref}/end`, 'POST')).body)).toEqual({ ended: 1 });
  expect((await send(`${url}login/ann`, { headers: { Cookie: phone.cookie } })).status).toBe(200);
  expect(JSON.parse((await asLaptop('end-others', 'POST')).body)).toEqual({ ended: 1 });
});

test('the TypeScript application compiles under strict rules, and runs', async () => {
  const url = await serve('TypeScript', async (file, sandbox) => {
    const tsc = join(repository, 'node_modules', 'typescript', 'bin', 'tsc');
    const options = ['--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
    const { stdout } = await finish(sandbox.spawn(process.execPath, [tsc, ...options, file]));
    expect(stdout).toBe('');
    return sandbox.path('app.js');
  });
  await expectVisits(url);
});

test('the CommonJS application runs', async () => {
  await expectVisits(await serve('CommonJS'));
});

/** A replacement for the package ws: it accepts the upgrade, but sends no frames. */
const ws = `import { EventEmitter } from 'node:events';
export class WebSocketServer extends EventEmitter {
  handleUpgrade(req, socket, head, done) {
    done({ send: (text) => socket.end('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\nSaid: ' + text + '\\r\\n\\r\\n') });
  }
}`;

test('a WebSocket is opened for a session that is logged in, and for no other', async () => {
  const url = await serve('WebSockets', async (file, sandbox) => {
    const folder = sandbox.path('node_modules', 'ws');
    await mkdir(folder);
    await writeFile(join(folder, 'package.json'), '{ "type": "module", "exports": "./index.js" }');
    await writeFile(join(folder, 'index.js'), ws);
    return file;
  });
  expect(await upgrade(url, '')).toBe('401 undefined');
  const { cookie } = await send(`${url}login`);
  expect(await upgrade(url, cookie)).toBe('101 Hello, ann.');
});

/** Resolves with the status, and with the text that the replacement for ws sent. */
function upgrade(url: string, cookie: string): Promise<string> {
  const headers = { Connection: 'Upgrade', Upgrade: 'websocket', Cookie: cookie };
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers, agent: false });
    sent.on('upgrade', ({ statusCode, headers: { said } }, socket) => {
      socket.destroy();
      resolve(`${statusCode} ${said}`);
    });
    sent.on('response', (response) => resolve(`${response.statusCode} ${response.resume().headers.said}`));
    sent.on('error', reject).end();
  });
}
