import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Sandbox } from '../support/sandbox.ts';
import { startPlain, waitFor } from '../support/server.ts';
import { password, Site } from '../templates/accounts-site.ts';

const sandbox = new Sandbox(afterAll);
const mails: string[] = [];
let smtp: Server;
let site: Site;

/** A server for the part of SMTP (RFC 5321) that a client needs to deliver mail. */
async function converse(socket: Socket): Promise<void> {
  const response = (line: string) => socket.write(`${line}\r\n`);
  let mail: string[] | undefined;
  response('220 mail.example.com');
  for await (const line of createInterface({ input: socket })) {
    if (mail && line !== '.') mail.push(line);
    else if (line === 'DATA') mail = [];
    else if (mail) mails.push(mail.join('\n'));
    if (line === '.') mail = undefined;
    if (line === 'DATA') response('354 go on');
    else if (!mail) response('250 fine');
  }
}

beforeAll(async () => {
  smtp = createServer((socket) => void converse(socket)).listen(0, '127.0.0.1');
  await once(smtp, 'listening');
  site = await Site.start(sandbox);
  const installed = await sandbox.sessapp(['install', '-e', site.directory, 'nodemailer']);
  if (installed.exitCode !== 0) throw new Error(installed.stderr);
});
afterAll(() => smtp?.close());

const variables = (port: number) => ({
  TRUST_PROXY: '1',
  SMTP_URL: `smtp://127.0.0.1:${port}`,
  PUBLIC_URL: 'https://shop.example.com',
  MAIL_FROM: 'Shop <mail@shop.example.com>',
});

test('with SMTP_URL, links are sent by mail, use PUBLIC_URL, and are not in the log', async () => {
  const env = variables((smtp.address() as AddressInfo).port);
  const { url, output } = await startPlain(sandbox, site.directory, { env });
  const visitor = new Site(site.directory, url, output).visitor({ Host: 'evil.example' });
  await visitor.send('/register', { name: 'Ann', email: 'ann@example.com', password });
  const mail = (await waitFor(() => mails[0])).replaceAll('=\n', '');
  expect(mail).toMatch(/^From: Shop <mail@shop\.example\.com>$/m);
  expect(mail).toMatch(/^To: ann@example\.com$/m);
  const [, path = ''] = /https:\/\/shop\.example\.com(\/verify\/[\w-]{43})/.exec(mail) ?? [];
  expect(mail).not.toContain('evil');
  expect((await visitor.send(path, { password })).status).toBe(303);
  expect(output()).not.toContain(path.replace('/verify/', ''));
});

test('a mail that cannot be sent is logged as an error, and the page is the same', async () => {
  const { url, output } = await startPlain(sandbox, site.directory, { env: variables(1) });
  const visitor = new Site(site.directory, url, output).visitor();
  const { status } = await visitor.send('/register', { name: 'Bob', email: 'bob@example.com', password });
  expect(status).toBe(200);
  await waitFor(() => output().includes('a mail could not be sent'));
});
