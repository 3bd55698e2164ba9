import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { hasCode } from '../errors.ts';
import type { System } from '../system.ts';

const openers: Partial<Record<NodeJS.Platform, [file: string, ...args: string[]]>> = {
  darwin: ['open'],
  win32: ['explorer.exe'],
};

/** A browser process that still runs after this time has opened the page. */
const failureMs = 1_000;

/** Opens a page with the command in BROWSER, else with the system's default opener. False when that failed. */
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
