import { appendFile, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, request, startPlain, waitFor } from '../support/server.ts';

const guest = '현재 유저는 guest입니다.\n';
const nobody = '현재 유저가 없습니다.\n';
const secretOf = (seed: string): string => Buffer.alloc(32, `${seed}0123456789abcdef`).toString('base64url');

async function profile(url: string, cookie: string) {
  return request(`${url}/profile`, { Cookie: cookie });
}

test('a running server follows a change of .env within 2 s, and answers every request meanwhile', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const path = join(directory, '.env');
  const { url, output } = await startPlain(sandbox, directory);
  const { cookie } = await request(`${url}/`);
  const old = /SESSION_SECRET=(\S+)/.exec(await readFile(path, 'utf8'))?.[1] ?? '';
  const newer = secretOf('n');

  await writeFile(`${path}.new`, `SESSION_SECRET=${newer},${old}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
  const resigned = await waitFor(async () => {
    const answer = await profile(url, cookie);
    expect([answer.status, answer.body]).toEqual([200, guest]);
    return answer.cookie !== '' && answer.cookie;
  }, 2000);

  await writeFile(path, `SESSION_SECRET=${newer}\n`);
  await waitFor(async () => {
    expect((await profile(url, resigned)).body).toBe(guest);
    return (await profile(url, cookie)).body === nobody;
  }, 2000);
  for (const secret of [old, newer]) expect(output()).not.toContain(secret);
});

test('a .env without usable secrets is said once and changes nothing', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const { url, output } = await startPlain(sandbox, directory);
  const { cookie } = await request(`${url}/`);
  await writeFile(join(directory, '.env'), 'SESSION_SECRET=short\n');
  await waitFor(() => output().includes('no usable session secret'));
  await wait(1500);
  expect(output().match(/no usable session secret/g)).toHaveLength(1);
  expect((await profile(url, cookie)).body).toBe(guest);
});

test('SESSION_SECRET of the real environment wins over .env, also over what is written there later', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const { url } = await startPlain(sandbox, directory, { env: { SESSION_SECRET: secretOf('r') } });
  const { cookie } = await request(`${url}/`);
  await appendFile(join(directory, '.env'), `SESSION_SECRET=${secretOf('x')}\n`);
  await wait(2000);
  const answer = await profile(url, cookie);
  expect([answer.body, answer.cookie]).toEqual([guest, '']);
});
