import { isatty } from 'node:tty';

/**
 * True where SIGHUP means that the terminal was closed. Without a terminal at any standard stream, as under `nohup` and
 * a service manager, the process goes on: Node.js resets an ignored SIGHUP when it starts, so this is all that tells.
 * Ask before the signal comes: a closed terminal is none.
 */
export function endsWithTerminal(): boolean {
  return process.platform === 'win32' || [0, 1, 2].some((descriptor) => isatty(descriptor));
}
