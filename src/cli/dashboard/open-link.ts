import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { System } from '../../system.ts';
import { openInBrowser } from '../browser.ts';

/**
 * Opens the link in the user's browser. Every user of the machine can list the arguments of a process, so the browser gets
 * the path of a file with the link, which only this user can read. The file is removed at the end.
 * @param signal aborted when the link is no longer needed
 * @param onFailure called when no browser could be opened
 */
export async function openLink(
  system: System,
  link: string,
  signal: AbortSignal,
  onFailure: () => void,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'sessapp-dashboard-'));
  try {
    const file = join(directory, 'dashboard.html');
    await writeFile(file, renderRedirect(link), { mode: 0o600 });
    if (!(await openInBrowser(system, pathToFileURL(file).href))) onFailure();
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function renderRedirect(link: string): string {
  return `<!doctype html><meta http-equiv="refresh" content="0;url=${link}"><title>sessapp dashboard</title>\n`;
}
