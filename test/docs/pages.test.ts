import { chmod, readFile, writeFile } from 'node:fs/promises';
import { delimiter } from 'node:path';
import { expect, test } from 'vitest';
import { createBrowser } from '../../src/testing/browser.ts';
import { linkPackages, openPage } from '../support/docs.ts';
import { send } from '../support/http.ts';
import { notInstalled } from '../support/programs.ts';
import { Reader, testReader, withoutReader } from '../support/reader.ts';
import { freePort } from '../support/redis-server.ts';
import { finish, Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, waitFor } from '../support/server.ts';

const readme = openPage('README.md', import.meta.filename);
const korean = openPage('README.ko.md', import.meta.filename);
const dashboard = openPage('docs/dashboard.md', import.meta.filename);
const environments = openPage('docs/environments.md', import.meta.filename);
const json = openPage('docs/json.md', import.meta.filename);
const metrics = openPage('docs/metrics.md', import.meta.filename);
const server = openPage('docs/server.md', import.meta.filename);

/** A reader in the directory above an environment. */
async function open(env: NodeJS.ProcessEnv = {}): Promise<Reader> {
  const sandbox = new Sandbox();
  await copyEnvironment(sandbox);
  return Reader.open(sandbox, env);
}

const serve = { code: 'sessapp serve myenv' };
const visits = async (url: string): Promise<string[]> => {
  const visit = createBrowser(url, Date.now);
  return [await (await visit('/')).text(), await (await visit('/')).text()];
};
const counted = ['You have been here 1 times.\n', 'You have been here 2 times.\n'];

test.skipIf(withoutReader).each([
  { page: readme, heading: 'Start with a new environment', shown: counted },
  { page: korean, heading: '새 환경으로 시작하기', shown: ['1번째 방문입니다.\n', '2번째 방문입니다.\n'] },
])(`the pages of "$heading" count visits${withoutReader}`, async ({ page, heading, shown }) => {
  const reader = await open();
  await reader.write(page.take(heading, 'js'), 'myenv');
  await reader.type(serve);
  expect(await visits(reader.url)).toEqual(shown);
});

test.skipIf(withoutReader).each([
  { page: readme, heading: 'Use it in an application you have' },
  { page: korean, heading: '이미 있는 애플리케이션에서 쓰기' },
])(`an application gets the session layer with the import in "$heading"${withoutReader}`, async ({ page, heading }) => {
  const sandbox = new Sandbox();
  await linkPackages(sandbox, 'express', 'lmdb');
  await writeFile(sandbox.path('package.json'), '{ "type": "module" }');
  const [imported = '', ...mounted] = page.take(heading, 'js').code.split('\n');
  const app = `${imported}
    import express from 'express';
    const app = express();
    ${mounted.join('\n')}
    app.get('/', (req, res) => {
      req.session.visits = (req.session.visits ?? 0) + 1;
      res.send('You have been here ' + req.session.visits + ' times.\\n');
    });
    app.listen(3000);`;
  const reader = await Reader.open(sandbox, { SESSION_SECRET: 's'.repeat(43) });
  await writeFile(sandbox.path('app.js'), reader.adapt(app));
  expect(await visits(await reader.serveApplication('node app.js'))).toEqual(counted);
});

testReader('the dashboard prints a link, and ssh opens a tunnel to its port', async () => {
  const reader = await open();
  const output = await reader.type(dashboard.take('Dashboard', 'sh'));
  expect(output).toMatch(/http:\/\/127\.0\.0\.1:\d+\/#/);
  await reader.interrupt();
  // A replacement for ssh, which would need another machine: it prints its arguments.
  const tools = reader.sandbox.path('ssh');
  await writeFile(tools, '#!/bin/sh\necho "$@"\n');
  await chmod(tools, 0o755);
  const { code } = dashboard.take('Access', 'sh');
  const env = { PATH: `${reader.sandbox.directory}${delimiter}${process.env.PATH}` };
  const { stdout } = await finish(reader.sandbox.spawn('bash', ['-e', '-c', code], { env }));
  expect(stdout).toMatch(/^-L \d+:127\.0\.0\.1:\d+ [\w.]+\n$/);
});

const without = notInstalled('bash', 'grep', 'uniq');
test.skipIf(without)(`the five owners with the most sessions are listed as docs/json.md says${without}`, async () => {
  const reader = await open({ SESSAPP_ENV: undefined });
  await writeFile(
    reader.sandbox.path('myenv', 'app.js'),
    "export function routes(app) { app.get('/:name', (req, res) => { req.session.username = req.params.name; res.send('in'); }); }",
  );
  await reader.type(serve);
  for (const name of ['ann', 'bob', 'ann']) await send(`${reader.url}/${name}`);
  await reader.type({ code: 'cd myenv' });
  const output = await reader.type(json.take('sessions list', 'sh'));
  expect(
    output
      .trim()
      .split('\n')
      .map((line) => line.trim()),
  ).toEqual(['2 ann', '1 bob']);
});

testReader('after two requests, the old secret of a session can be retired as docs/environments.md says', async () => {
  const reader = await open();
  await reader.type(serve);
  const visit = createBrowser(reader.url, Date.now);
  await visit('/');
  const listed = await reader.type(environments.take('The secret', 'sh'));
  const [[, older = ''] = []] = [...listed.matchAll(/^([0-9a-f]{8})\b(?!.*signs)/gm)];
  const { code } = environments.take('The secret', 'sh');
  const retire = { code: code.replace('1a2b3c4d', older) };
  expect(await reader.type(retire, 1)).toContain(`Sessions still signed by ${older}: 1.`);
  // The server starts to sign with the new secret 0.9 s after it has read it.
  await waitFor(async () => (await visit('/')).headers.has('Set-Cookie'));
  await visit('/');
  expect(await reader.type(retire)).toContain('no session used it');
  expect(await (await visit('/profile')).text()).toContain('guest');
});

testReader('Prometheus finds the metrics', async () => {
  const reader = await open();
  const port = String(await freePort());
  const { code } = metrics.take('Metrics', 'sh');
  await reader.type({ code: code.replace('9464', port) });
  await send(reader.url);
  const { body } = await send(`http://127.0.0.1:${port}/metrics`);
  expect(body).toMatch(/^sessapp_requests_total 1$/m);
});

testReader('the options of docs/server.md change the server', async () => {
  const reader = await open();
  await reader.write({ ...server.take('Customize the server', 'js'), file: 'server.js' }, 'myenv');
  await writeFile(
    reader.sandbox.path('myenv', 'app.js'),
    `export function routes(app) {
       app.get('/fails', () => { throw new Error('no'); });
       app.post('/payment/callback', (req, res) => { req.session.account = { id: 'ann' }; res.send('paid'); });
     }`,
  );
  await reader.type(serve);
  const missing = await send(`${reader.url}/none`);
  expect(missing).toMatchObject({ status: 404, body: 'There is nothing here.\n' });
  expect(missing.headers['content-security-policy']).toContain("img-src 'self' https:;");
  expect(await send(`${reader.url}/fails`)).toMatchObject({ status: 500, body: 'That did not work.\n' });
  const post = (path: string, Origin: string) =>
    send(reader.url + path, { method: 'POST', headers: { Origin, 'Sec-Fetch-Site': 'cross-site' } });
  expect((await post('/none', 'https://evil.example.com')).status).toBe(403);
  expect((await post('/none', 'https://app.example.com')).status).toBe(404);
  expect((await post('/payment/callback', 'https://evil.example.com')).body).toBe('paid');
  expect(await reader.type({ code: 'sessapp sessions list myenv | cut -f 2' })).toBe('ann\n');
});

testReader('a user logs in on the pages of docs/server.md', async () => {
  const reader = await open();
  await reader.write(server.take('Pages', 'js'), 'myenv');
  await reader.type(serve);
  const visit = createBrowser(reader.url, Date.now);
  await visit('/login', { method: 'POST', body: new URLSearchParams({ name: 'ann' }) });
  expect(await reader.type({ code: 'sessapp sessions list myenv | cut -f 2' })).toBe('ann\n');
});

testReader('the database of docs/server.md keeps what is written', async () => {
  const reader = await open();
  const { code } = server.take('Data of your own', 'js');
  await writeFile(reader.sandbox.path('myenv', 'data.js'), `${code}await close();\n`);
  expect(await reader.type({ code: 'cd myenv\nnode data.js' })).toBe("{ item: 'book' }\n");
  expect(await readFile(reader.sandbox.path('myenv', 'data', 'shop', 'data.mdb'))).not.toHaveLength(0);
});
