import type { Message } from './messages.ts';
import { outlivePrimary } from './workers/worker.ts';

/**
 * Resolves when the message is on its way.
 * @returns false when nobody listens: the server was started by itself, or has outlived the one that started it
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

/** Calls back once the parent is gone. `sessapp serve --background` says `detach` before it goes: that is no reason. */
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
