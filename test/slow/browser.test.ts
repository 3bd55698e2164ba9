import { expect, test } from 'vitest';
import { hasChromium, launchChromium } from '../support/chromium.ts';
import { finish, Sandbox, untilEvent } from '../support/sandbox.ts';

test.skipIf(!hasChromium)('a browser keeps its session after a restart of the server', async () => {
  const sandbox = new Sandbox();
  await sandbox.environment();
  const first = sandbox.start(['serve', 'myenv', '--port', '0', '--json']);
  const { url } = await untilEvent(first, 'listening');
  const browser = await launchChromium();
  try {
    const page = await (await browser.newContext({ locale: 'ko-KR' })).newPage();
    const read = async (path: string): Promise<string> => {
      await page.goto(`${url}${path}`);
      return page.locator('h1').innerText();
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
    expect(await english.locator('h1').innerText()).toBe('There is no current user.');
    second.kill('SIGTERM');
    await finish(second);
  } finally {
    await browser.close();
  }
});
