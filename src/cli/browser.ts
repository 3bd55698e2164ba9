import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { hasCode } from '../errors.ts';
import type { System } from '../system.ts';

const openers: Partial<Record<NodeJS.Platform, [file: string, ...args: string[]]>> = {
  darwin: ['open'],
  win32: ['explorer.exe'],
};

/** A browser that still runs after this time shows the page. */
const failureMs = 1_000;

/** Shows the page in the user's browser: BROWSER, else what the system opens pages with. False when that failed. */
export async function openInBrowser(system: System, url: string): Promise<boolean> {
  const [file, ...args] = system.env.BROWSER ? [system.env.BROWSER] : (openers[process.platform] ?? ['xdg-open']);
  const browser = system.start(file, [...args, url], {
    cwd: system.cwd,
    env: system.env,
    stdio: 'ignore',
    detached: true,
  });
  browser.unref();
  try {
    const ended = (await Promise.race([once(browser, 'exit'), wait(failureMs)])) as [number | null] | undefined;
    return ended === undefined || ended[0] === 0;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES')) return false;
    throw error;
  }
}
