import { readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Dashboard, openDashboard, startDashboard } from '../../support/dashboard.ts';
import { send } from '../../support/http.ts';
import { fill } from '../../support/records.ts';
import { finish, Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment, waitFor } from '../../support/server.ts';

const sandbox = new Sandbox(afterAll);
let environment: string;
let dashboard: Dashboard;

beforeAll(async () => {
  environment = await copyEnvironment(sandbox);
  await fill(environment, [{ owner: 'ann' }]);
  dashboard = await openDashboard(sandbox, environment);
});

test('the link works once, and a wrong token does not use it up', async () => {
  const other = await startDashboard(sandbox, environment);
  expect(other.link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#[\w-]{43}$/);
  for (const wrong of ['', 'x'.repeat(43), `${other.linkToken}x`])
    expect(await other.enter(wrong)).toMatchObject({ status: 403, body: { error: { code: 'link-used' } } });
  expect(await other.enter()).toMatchObject({ status: 200 });
  const again = await other.enter();
  expect(again).toMatchObject({ status: 403, body: { error: { code: 'link-used' } } });
  expect(again.body.error.hint).toContain('Ctrl-C');
});

test('without the token of the page, no session is shown or ended', async () => {
  for (const [method, path] of [
    ['GET', 'state'],
    ['GET', 'sessions'],
    ['GET', 'session?ref=AAAA'],
    ['GET', 'count?owner=ann'],
    ['POST', 'end'],
    ['GET', 'nothing'],
  ] as const)
    for (const Authorization of ['', `Bearer ${dashboard.linkToken}`, 'Bearer '])
      expect(await dashboard.call(method, path, undefined, { Authorization })).toMatchObject({
        status: 403,
        body: { error: { code: 'no-access' } },
      });
  expect((await dashboard.call('GET', 'sessions')).body.sessions).toHaveLength(1);
});

describe('the check for requests from other sites', () => {
  test.each([
    ['a name that resolves to this machine', { Host: 'rebound.example' }],
    ['such a name with our port', { Host: 'rebound.example:{port}' }],
    ['another address of the machine', { Host: '192.168.0.2:{port}' }],
    ['a name that ends like ours', { Host: 'x.localhost:{port}' }],
    ['a foreign origin', { Origin: 'http://evil.example' }],
    ['another port of this host', { Origin: 'http://127.0.0.1:1' }],
    ['an opaque origin', { Origin: 'null' }],
    ['https', { Origin: 'https://127.0.0.1:{port}' }],
    ['another port, without an origin', { 'Sec-Fetch-Site': 'same-site' }],
    ['another site, without an origin', { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' }],
  ])('refuses %s', async (_, given) => {
    const { port } = new URL(dashboard.origin);
    const headers = Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name, value.replace('{port}', port)]),
    );
    for (const [method, path] of [
      ['GET', 'sessions'],
      ['POST', 'end'],
      ['POST', 'enter'],
    ] as const)
      expect(await dashboard.call(method, path, method === 'POST' ? { all: true } : undefined, headers)).toMatchObject({
        status: 403,
        body: { error: { code: 'foreign' } },
      });
    expect((await send(dashboard.origin, { headers })).status).toBe(403);
    expect((await dashboard.call('GET', 'sessions')).body.sessions).toHaveLength(1);
  });

  test.each([
    [{ Host: 'localhost:{port}', Origin: 'http://localhost:{port}', 'Sec-Fetch-Site': 'same-origin' }],
    [{ Host: 'localhost:8080', Origin: 'http://localhost:8080' }],
    [{ Host: '[::1]:8080' }],
  ])('accepts our own page, also through a tunnel: %j', async (given) => {
    const { port } = new URL(dashboard.origin);
    const headers = Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name, value.replace('{port}', port)]),
    );
    expect((await dashboard.call('GET', 'sessions', undefined, headers)).status).toBe(200);
  });
});

test('the page has no inline code, loads only its own files, and uses the language of the browser', async () => {
  const read = (language: string) => send(dashboard.origin, { headers: { 'Accept-Language': language } });
  const { status, headers, body } = await read('en-US,en;q=0.9,ko;q=0.8');
  expect(status).toBe(200);
  expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
  expect(headers['content-security-policy']).not.toContain('unsafe');
  expect(headers['set-cookie']).toBeUndefined();
  expect(body).not.toMatch(/<script(?![^>]* src="\/)|<style| style=| on[a-z]+=|\{\{/);
  expect(body).not.toMatch(/(src|href)="(?![/#])/);
  expect(body).toContain('<html lang="en">');
  expect(body).toContain('>Live sessions<');
  for (const [language, expected] of [
    ['ko-KR,ko;q=0.9,en;q=0.8', 'ko'],
    ['fr, ko;q=0.5, en;q=0.4', 'ko'],
    ['ko;q=0.1, en', 'en'],
    ['fr', 'en'],
  ] as const)
    expect((await read(language)).body).toContain(`<html lang="${expected}">`);
  expect((await read('ko')).body).toContain('>살아 있는 세션<');
});

test('both languages have every text that the page uses', async () => {
  const { headers, body } = await send(`${dashboard.origin}/page.js`);
  expect(headers['content-type']).toBe('text/javascript; charset=utf-8');
  expect(body).toContain('sessionStorage');
  const { messages } = await import('../../../src/cli/dashboard/messages.ts');
  const folder = join(import.meta.dirname, '..', '..', '..', 'src', 'cli', 'dashboard', 'page');
  const files = await readdir(folder);
  const source = (await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))).join('\n');
  const used = [...source.matchAll(/\bt\('(\w+)'|\{\{(\w+)\}\}/g)].map(([, called, placed]) => called ?? placed ?? '');
  expect(used.filter((name) => name !== 'messages' && !(name in messages.en))).toEqual([]);
  const placeholders = (text: string): string => [...new Set(text.match(/\{\d\}/g))].sort().join();
  const differing = Object.entries(messages.en).filter(
    ([name, text]) => placeholders(text) !== placeholders(messages.ko[name as keyof typeof messages.ko]),
  );
  expect(differing).toEqual([]);
});

test('an invalid request is refused, and the dashboard keeps running', async () => {
  const headers = { Authorization: `Bearer ${dashboard.token}` };
  expect(await dashboard.call('POST', 'end', {})).toMatchObject({
    status: 409,
    body: { error: { code: 'bad-request' } },
  });
  expect((await send(`${dashboard.origin}/api/end`, { method: 'POST', headers, body: '{"ref' })).status).toBe(409);
  expect(
    (await send(`${dashboard.origin}/api/end`, { method: 'POST', headers, body: 'x'.repeat(20_000) })).status,
  ).toBe(409);
  expect((await dashboard.call('GET', 'sessions?page=-1')).status).toBe(409);
  expect((await dashboard.call('GET', 'sessions?page=x')).status).toBe(409);
  expect((await dashboard.call('DELETE', 'sessions')).status).toBe(404);
  expect((await send(`${dashboard.origin}//`)).status).toBe(403);
  expect((await dashboard.call('GET', 'sessions')).body.sessions).toHaveLength(1);
});

test.each([
  ['SIGINT', 0],
  ['SIGTERM', 0],
] as const)('%s stops the dashboard with exit code %i, and its link stops working', async (signal, exitCode) => {
  const other = await startDashboard(sandbox, environment);
  const ended = finish(other.child);
  other.child.kill(signal);
  expect(await ended).toMatchObject({ exitCode, stderr: '' });
  await expect(other.enter()).rejects.toThrow('ECONNREFUSED');
});

test('the link is printed on stdout, and how to stop the dashboard on stderr', async () => {
  const child = sandbox.start(['dashboard'], { cwd: environment });
  const ended = finish(child);
  let shown = '';
  child.stderr?.on('data', (text: string) => (shown += text));
  await waitFor(() => shown.includes('Ctrl-C'));
  child.kill('SIGINT');
  const { exitCode, stdout, stderr } = await ended;
  expect(stdout).toMatch(/^The dashboard of myenv: http:\/\/127\.0\.0\.1:\d+\/#[\w-]{43}\n$/);
  expect({ exitCode, stderr }).toEqual({
    exitCode: 0,
    stderr: 'The link works once. Press Ctrl-C to stop the dashboard.\nStopped.\n',
  });
});

test('--port uses that port, and the error says what to do when it is in use', async () => {
  const { port } = new URL(dashboard.origin);
  const { exitCode, stdout } = await sandbox.sessapp(['dashboard', environment, '--port', port, '--json']);
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout).error).toEqual({
    code: 'port-in-use',
    message: `Port ${port} of 127.0.0.1 is in use by another program.`,
    hint: 'Leave --port out. The dashboard then takes a free port.',
  });
  expect((await sandbox.sessapp(['dashboard', environment, '--port', '70000'])).exitCode).toBe(2);
});

test('--open opens the link without showing it to other users, and leaves no file', async () => {
  const told = sandbox.path('told');
  const browser = sandbox.path('browser');
  await writeFile(browser, `#!/bin/sh\nprintf %s "$1" > '${told}.new' && mv '${told}.new' '${told}'\n`, {
    mode: 0o755,
  });
  const other = await startDashboard(sandbox, environment, ['--open'], { env: { BROWSER: browser } });
  const address = await waitFor(() => readFile(told, 'utf8').catch(() => undefined));
  expect(address).not.toContain(other.linkToken);
  const file = fileURLToPath(address);
  expect(file.startsWith(tmpdir())).toBe(true);
  expect(await readFile(file, 'utf8')).toContain(`url=${other.link}"`);
  const ended = finish(other.child);
  other.child.kill('SIGINT');
  expect(await ended).toMatchObject({ exitCode: 0, stderr: '' });
  await expect(readFile(file)).rejects.toThrow('ENOENT');
});
