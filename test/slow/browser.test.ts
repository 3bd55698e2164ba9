import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { expect, test } from 'vitest';
import { finish, Sandbox, untilEvent } from '../support/sandbox.ts';

const executablePath = '/usr/bin/chromium';
const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

// Debian's Chromium: apt-get install chromium
test.skipIf(!existsSync(executablePath))('a browser’s session is there after the server was restarted', async () => {
  const sandbox = new Sandbox();
  await sandbox.environment();
  const first = sandbox.start(['serve', 'myenv', '--port', '0', '--json']);
  const { url } = await untilEvent(first, 'listening');
  const browser = await chromium.launch({ executablePath, args: quiet });
  try {
    const page = await (await browser.newContext({ locale: 'ko-KR' })).newPage();
    const read = async (path: string): Promise<string> => {
      await page.goto(`${url}${path}`);
      return (await page.locator('body').innerText()).trim();
    };
    expect(await read('/profile')).toBe('현재 유저가 없습니다.');
    expect(await read('/')).toBe('세션에 username을 저장했습니다.');
    expect(await read('/profile')).toBe('현재 유저는 guest입니다.');

    first.kill('SIGTERM');
    expect(await finish(first)).toMatchObject({ exitCode: 0 });
    const second = sandbox.start(['serve', 'myenv', '--port', new URL(`${url}`).port, '--json']);
    await untilEvent(second, 'listening');
    expect(await read('/profile')).toBe('현재 유저는 guest입니다.');

    const english = await (await browser.newContext({ locale: 'en-US' })).newPage();
    await english.goto(`${url}/profile`);
    expect(await english.locator('body').innerText()).toContain('There is no current user.');
    second.kill('SIGTERM');
    await finish(second);
  } finally {
    await browser.close();
  }
});
