import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { type Browser, createBrowser } from '../../src/testing/browser.ts';
import { type Block, expectShown, linkPackages, openPage } from '../support/docs.ts';
import { send } from '../support/http.ts';
import { Reader, testReader } from '../support/reader.ts';
import { repository, Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, killAtEnd, waitFor } from '../support/server.ts';

const page = openPage('docs/troubleshooting.md', import.meta.filename);
const serve = { code: 'sessapp serve myapp' };

/** A reader in the directory above the environment `myapp`. */
async function open(env: NodeJS.ProcessEnv = {}): Promise<Reader> {
  const sandbox = new Sandbox();
  await copyEnvironment(sandbox, 'myapp');
  return Reader.open(sandbox, env);
}

function adapt(reader: Reader, block: Block): Block {
  return { ...block, code: reader.adapt(block.code) };
}

async function writeRoutes({ sandbox }: Reader, routes: string, imports = ''): Promise<void> {
  await writeFile(sandbox.path('myapp', 'app.js'), `${imports}export function routes(app) {\n${routes}\n}\n`);
}

async function setVariable({ sandbox }: Reader, line: string): Promise<void> {
  const file = sandbox.path('myapp', '.env');
  const name = line.split('=')[0];
  const others = (await readFile(file, 'utf8')).split('\n').filter((text) => !text.startsWith(`${name}=`));
  await writeFile(file, [...others, line].join('\n'));
}

async function readSecret({ sandbox }: Reader): Promise<string> {
  return /^SESSION_SECRET=(.*)$/m.exec(await readFile(sandbox.path('myapp', '.env'), 'utf8'))?.[1] ?? '';
}

const read = async (visit: Browser, path: string): Promise<string> => (await visit(path)).text();

testReader('an activated environment has the command', async () => {
  const reader = await open({ PATH: `${dirname(process.execPath)}:/usr/bin:/bin` });
  const [notFound, found] = page.takeAll('command not found: sessapp', 'text');
  expectShown(await reader.type({ code: 'sessapp info' }, 127), notFound as Block);
  expectShown(await reader.type(page.take('command not found: sessapp', 'sh')), found as Block);
});

testReader('an environment is found by its name, and from inside its directory', async () => {
  const reader = await open();
  const heading = 'There is no environment in this directory';
  expectShown(await reader.type({ code: 'sessapp info' }, 1), page.take(heading, 'text'));
  const output = await reader.type(page.take(heading, 'sh'));
  const directories = [...output.matchAll(/^ *directory +(.*)$/gm)].map(([, directory]) => directory);
  expect(directories).toEqual([reader.sandbox.path('myapp'), reader.sandbox.path('myapp')]);
});

testReader('without a secret the server does not start, until a secret is created', async () => {
  const reader = await open();
  await setVariable(reader, 'SESSION_SECRET=');
  const heading = 'The server does not start: no secret';
  expectShown(await reader.type(serve, 1), page.take(heading, 'text'));
  expectShown(await reader.type(page.take(heading, 'sh')), adapt(reader, page.take(heading, 'text')));
});

testReader('when the port is taken, another one works', async () => {
  const reader = await open();
  const other = createServer().listen(reader.port, 'localhost');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  expectShown(await reader.type(serve, 1), adapt(reader, page.take('The port is taken', 'text')));
  const remedy = page.take('The port is taken', 'sh');
  const [, port] = /--port (\d+)/.exec(reader.adapt(remedy.code)) ?? [];
  expect(await reader.type(remedy)).toContain(`http://localhost:${port}`);
});

testReader('without a network an environment is made from a snapshot', async () => {
  const heading = 'npm fails, or there is no network';
  const sandbox = new Sandbox();
  const network = { npm_config_registry: 'http://localhost:9', npm_config_fetch_retries: '0' };
  const reader = await Reader.open(sandbox, { ...network, npm_config_cache: sandbox.path('npm') });
  const [failure, ready] = page.takeAll(heading, 'text');
  const fails = { code: `SESSAPP_CACHE_DIR='${sandbox.path('none')}' sessapp init another` };
  expectShown(await reader.type(fails, 1), failure as Block);
  await reader.type(page.take(heading, 'sh'));
  expectShown(await reader.type({ code: 'sessapp info another' }), ready as Block);
});

testReader('a session gets an owner from the configured key', async () => {
  const reader = await open();
  const heading = 'After 30 minutes';
  await writeRoutes(
    reader,
    "app.get('/login', (req, res) => { req.session.account = { id: 'ann' }; res.send('in'); });",
  );
  const list = { code: 'sessapp sessions list myapp | cut -f 2' };
  await reader.type(serve);
  await send(`${reader.url}/login`);
  expectShown(await reader.interrupt(), page.take(heading, 'text'));
  expect(await reader.type(list)).toBe('\n');
  await reader.write(page.take(heading, 'js'), 'myapp');
  await reader.type(serve);
  await send(`${reader.url}/login`);
  expect(await reader.type(list)).toMatch(/^ann$/m);
});

testReader(
  'users are logged in again after the variable is unset, or after the old secret follows the new one',
  async () => {
    const reader = await open();
    const heading = 'After a restart or a deployment';
    const [doctor, unset, both] = page.takeAll(heading, 'sh');
    const visit = createBrowser(reader.url, Date.now);
    const oldSecret = await readSecret(reader);
    const newSecret = randomBytes(32).toString('base64url');
    await reader.type(serve);
    await read(visit, '/');
    await reader.interrupt();
    await reader.type({ code: `export SESSION_SECRET='${newSecret}'\nsessapp serve myapp` });
    expect(await read(visit, '/profile')).toContain('현재 유저가 없습니다.');
    await reader.interrupt();
    expectShown(await reader.type(doctor as Block), page.take(heading, 'text'));
    await reader.type(unset as Block);
    expect(await read(visit, '/profile')).toContain('현재 유저는 guest입니다.');
    await reader.interrupt();
    await setVariable(reader, `SESSION_SECRET=${newSecret}`);
    await reader.type(serve);
    expect(await read(visit, '/profile')).toContain('현재 유저가 없습니다.');
    await reader.interrupt();
    await reader.type({ code: `NEW_SECRET='${newSecret}'; OLD_SECRET='${oldSecret}'\nexport NEW_SECRET OLD_SECRET` });
    await reader.type(both as Block);
    expect(await read(visit, '/profile')).toContain('현재 유저는 guest입니다.');
  },
);

testReader('each host name has its own cookie', async () => {
  const reader = await open({ HOST: '0.0.0.0' });
  await reader.type(serve);
  const [{ cookie }, other] = [await send(`${reader.url}/`), await send(`http://127.0.0.1:${reader.port}/`)];
  // A cookie without a domain belongs to the host that set it.
  for (const { headers } of [await send(`${reader.url}/`), other])
    expect(String(headers['set-cookie'])).not.toMatch(/domain/i);
  expect(cookie).not.toBe(other.cookie);
});

testReader('a request from another origin is refused, until that origin is allowed', async () => {
  const reader = await open();
  const check = page.take('403 on POST', 'sh');
  await reader.type(serve);
  expect(await reader.type(check)).toBe('403\n');
  const refused = await send(reader.url, { method: 'POST', headers: { 'Sec-Fetch-Site': 'same-site' } });
  expectShown(refused.body, page.take('403 on POST', 'text'));
  await reader.interrupt();
  await reader.write(page.take('403 on POST', 'js'), 'myapp');
  await reader.type(serve);
  expect(await reader.type(check)).toBe('404\n');
});

testReader('behind a proxy the cookie is set with TRUST_PROXY', async () => {
  const reader = await open();
  const heading = 'The cookie is not set behind a proxy';
  const [logged, cookie] = page.takeAll(heading, 'text');
  const [remedy, check] = page.takeAll(heading, 'sh');
  await reader.type({ code: 'NODE_ENV=production sessapp serve myapp' });
  await expect(reader.type(check as Block)).rejects.toThrow('exit code 1');
  expectShown(await reader.interrupt(), logged as Block);
  await reader.type(remedy as Block);
  expectShown((await reader.type(check as Block)).replace(/^set-cookie/i, 'Set-Cookie'), cookie as Block);
});

testReader('a session that is created after the first byte is lost, with a line in the log', async () => {
  const reader = await open();
  await writeRoutes(
    reader,
    "app.get('/login', (req, res) => { res.write('in'); setTimeout(() => { req.session.username = 'ann'; res.end(); }, 20); });",
  );
  await reader.type(serve);
  expect((await send(`${reader.url}/login`)).cookie).toBe('');
  const heading = 'The log says that a session was created too late';
  expectShown(await reader.interrupt(), page.take(heading, 'text'));
});

testReader('a session that changes after the response is lost without a line in the log', async () => {
  const reader = await open();
  const check = page.take('The log says nothing', 'sh');
  const heading = 'The handler changes the session too late';
  const late = [
    "req.session.regenerate(() => { req.session.username = 'ann'; }); res.redirect(303, '/');",
    "res.redirect(303, '/'); req.session.username = 'ann';",
    "setTimeout(() => { req.session.username = 'ann'; }, 20); res.redirect(303, '/');",
  ];
  const home = "app.get('/', (req, res) => res.send(`Hello ${req.session.username}\\n`));";
  await writeRoutes(
    reader,
    [home, ...late.map((code, n) => `app.get('/${n}/login', (req, res) => { ${code} });`)].join('\n'),
  );
  await reader.type(serve);
  for (const n of late.keys()) {
    const code = check.code.replace('/login', `/${n}/login`);
    expect(await reader.type({ code })).toBe('Hello undefined\n');
  }
  expect(await reader.interrupt()).not.toMatch(/session/);
  await reader.write(page.take(heading, 'js'), 'myapp');
  await reader.type(serve);
  expectShown(await reader.type(check), page.take(heading, 'text'));
});

testReader('the check of a login accepts the fields of a form', async () => {
  const reader = await open();
  const check = page.blocks.find(({ heading, language }) => heading === 'The log says nothing' && language === 'sh');
  const [, fields = ''] =
    /`(--data [^`]*)`/.exec(await readFile(join(repository, 'docs', 'troubleshooting.md'), 'utf8')) ?? [];
  await writeRoutes(
    reader,
    `app.use(express.urlencoded({ extended: false }));
     app.get('/', (req, res) => res.send('Hello ' + req.session.username));
     app.get('/login', (req, res) => res.send('form'));
     app.post('/login', (req, res) => { req.session.username = req.body.name; res.redirect(303, '/'); });`,
    "import express from 'express';\n",
  );
  await reader.type(serve);
  expect(await reader.type(check as Block)).toBe('form');
  expect(await reader.type({ code: `${check?.code.trim()} ${fields}` })).toBe('Hello ann');
});

testReader('a script of an allowed origin has a session', async () => {
  const reader = await open();
  const origin = { Origin: 'http://localhost:5173', 'Sec-Fetch-Site': 'same-site' };
  await reader.write(page.take('fetch does not send the cookie', 'js'), 'myapp');
  await writeFile(
    reader.sandbox.path('myapp', 'server.js'),
    page.blocks.find(({ heading, language }) => heading === '403 on POST' && language === 'js')?.code ?? '',
  );
  await reader.type(serve);
  const preflight = await send(`${reader.url}/count`, { method: 'OPTIONS', headers: origin });
  expect(preflight).toMatchObject({ status: 204, headers: { 'access-control-allow-credentials': 'true' } });
  const first = await send(`${reader.url}/count`, { method: 'POST', headers: origin });
  const second = await send(`${reader.url}/count`, { method: 'POST', headers: { ...origin, Cookie: first.cookie } });
  expect(second.body).toBe('{"count":2}');
  expect(second.headers['access-control-allow-origin']).toBe(origin.Origin);
});

testReader('a value that is not JSON, or too large, causes a 500 with the reason in the log', async () => {
  const reader = await open();
  const heading = '500 Something went wrong';
  await writeRoutes(
    reader,
    `app.get('/', (req, res) => { req.session.n = 1n; res.send('ok'); });
     app.get('/large', (req, res) => { req.session.n = 'x'.repeat(300_000); res.send('ok'); });`,
  );
  await reader.type(serve);
  for (const path of ['/', '/large'])
    expect(await send(reader.url + path)).toMatchObject({ status: 500, body: 'Something went wrong.\n' });
  expectShown(await reader.interrupt(), page.take(heading, 'text'));
  await reader.write(page.take(heading, 'js'), 'myapp');
  await reader.type(serve);
  expect((await send(reader.url)).body).toBe('Saved.\n');
});

/** Runs a module with the library until the test ends. @returns its address */
async function run(block: Block, env: NodeJS.ProcessEnv, change = (code: string): string => code): Promise<string> {
  const sandbox = new Sandbox();
  await linkPackages(sandbox, 'express', 'lmdb');
  const reader = await Reader.open(sandbox, { SESSION_SECRET: 's'.repeat(43), ...env });
  await writeFile(sandbox.path('package.json'), '{ "type": "module" }');
  await writeFile(sandbox.path('app.mjs'), change(reader.adapt(block.code)));
  sandbox.spawn(process.execPath, ['app.mjs'], {
    env: { SESSION_SECRET: 's'.repeat(43), PORT: String(reader.port), ...env },
  });
  const url = /listen\(process/.test(block.code) ? reader.url : reader.adapt('http://localhost:3000');
  await waitFor(() =>
    send(url).then(
      () => true,
      () => false,
    ),
  );
  return url;
}

testReader('a route that is defined before the session middleware has no session', async () => {
  const block = page.take('req.session is undefined', 'js');
  expect((await send(await run(block, {}))).body).toBe('object\n');
  const reversed = (code: string): string => {
    const [mount = ''] = /app\.use\(session.*\n/.exec(code) ?? [];
    return code.replace(mount, '').replace('app.listen', `${mount}app.listen`);
  };
  expect((await send(await run(block, {}, reversed))).body).toBe('undefined\n');
});

testReader('a handler that uses the session after destroying it gets a TypeError', async () => {
  const reader = await open();
  const end = 'await new Promise((resolve) => req.session.destroy(resolve));';
  await writeRoutes(
    reader,
    `app.get('/set', async (req, res) => { ${end} req.session.x = 1; });
     app.get('/read', async (req, res) => { ${end} res.send(req.session.x); });`,
  );
  await reader.type(serve);
  for (const path of ['/set', '/read']) expect((await send(reader.url + path)).status).toBe(500);
  expectShown(await reader.interrupt(), page.take('req.session is undefined', 'text'));
});

testReader('two applications with different cookie names keep their cookies', async () => {
  const heading = 'Two applications on localhost log each other out';
  const block = page.take(heading, 'js');
  const [, name = ''] = /COOKIE_NAME=(\S+)/.exec(page.take(heading, 'sh').code) ?? [];
  const urls = [await run(block, {}), await run(block, { COOKIE_NAME: name })];
  const visits = await visitBoth(urls as [string, string]);
  expect(visits).toEqual(['2', '2']);
  const same = [await run(block, {}), await run(block, {})];
  expect(await visitBoth(same as [string, string])).toEqual(['1', '1']);
});

/** Visits both twice with one browser, which has one cookie jar for localhost. @returns the last page of each */
async function visitBoth(urls: [string, string]): Promise<string[]> {
  const jar = new Map<string, string>();
  const shown: string[] = [];
  for (const url of [...urls, ...urls]) {
    const { body, cookie } = await send(url, { headers: { Cookie: [...jar.values()].join('; ') } });
    if (cookie !== '') jar.set(cookie.split('=')[0] ?? '', cookie);
    shown.push(/\d+/.exec(body)?.[0] ?? '');
  }
  return shown.slice(2);
}

testReader('reload brings new code to a server in the background', async () => {
  const reader = await open();
  await reader.type({ code: 'sessapp serve myapp --background' });
  const { pid } = JSON.parse(await reader.type({ code: 'sessapp status myapp --json' })) as { pid: number };
  killAtEnd(pid);
  await writeRoutes(reader, "app.get('/', (req, res) => res.send('new'));");
  expect((await send(reader.url)).body).not.toBe('new');
  expectShown(
    await reader.type(page.take('My change does not show', 'sh')),
    page.take('My change does not show', 'text'),
  );
  expect((await send(reader.url)).body).toBe('new');
});
