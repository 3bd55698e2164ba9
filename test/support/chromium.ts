import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const executablePath = '/usr/bin/chromium';

const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Why there is no browser to test with, as the end of a test's name; empty when there is. Debian: apt-get install chromium */
export const withoutChromium = existsSync(executablePath) ? '' : ' (no Chromium)';

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath, args: quiet });
}
