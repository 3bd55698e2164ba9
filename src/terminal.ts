import { isatty } from 'node:tty';

/**
 * True when the process should end on SIGHUP, because the signal means that its terminal was closed. False when no standard
 * stream is a terminal, as under `nohup` or a service manager. The process cannot check whether its parent ignored SIGHUP,
 * because Node.js resets that setting when it starts. Call this before the signal arrives: afterwards the terminal is closed,
 * and the result is false.
 */
export function endsWithTerminal(): boolean {
  return process.platform === 'win32' || [0, 1, 2].some((descriptor) => isatty(descriptor));
}
