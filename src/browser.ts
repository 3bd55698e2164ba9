import type { System } from './system.ts';

const openers: Partial<Record<NodeJS.Platform, [file: string, ...args: string[]]>> = {
  darwin: ['open'],
  win32: ['explorer.exe'],
};

/** Shows the page in the user's browser: BROWSER, else what the system opens pages with. False when that failed. */
export async function openInBrowser(system: System, url: string): Promise<boolean> {
  const [file, ...args] = system.env.BROWSER ? [system.env.BROWSER] : (openers[process.platform] ?? ['xdg-open']);
  const result = await system.run(file, [...args, url], { cwd: system.cwd, env: system.env });
  return result.exitCode === 0;
}
