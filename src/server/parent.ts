import type { Message } from './messages.ts';
import { outlivePrimary } from './workers/worker.ts';

/**
 * Sends a message to the parent process.
 * @returns false when there is no connected parent: the server was started without one, or its parent has exited
 */
export async function tellParent(message: Message): Promise<boolean> {
  if (!process.connected) return false;
  const error = await new Promise((resolve) => process.send?.(message, resolve));
  return error === null;
}

/** Closes the channel, so that it does not keep the process running. */
export function disconnectParent(): void {
  outlivePrimary();
  if (process.connected) process.disconnect();
}

/** Calls back when the parent process is gone, unless it sent `detach` first, as `sessapp serve --background` does. */
export function onParentGone(callback: () => void): void {
  if (!process.send) return;
  if (process.connected) process.once('disconnect', callback);
  else callback();
  process.on('message', (message) => {
    if (message !== 'detach') return;
    process.off('disconnect', callback);
    disconnectParent();
  });
}
