import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

// On Debian: apt-get install chromium
const executablePath = '/usr/bin/chromium';
const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const hasChromium = existsSync(executablePath);

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath, args: quiet });
}
