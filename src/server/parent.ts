import { outlivePrimary } from './workers/worker.ts';

/** What a server says to the `sessapp serve` that started it, and a worker to its primary. */
export type Message =
  | { event: 'listening'; url: string; store: string; workers?: number }
  | { event: 'failed'; code: string; message: string; hint: string | undefined }
  | { event: 'drained' }
  /** Of workers only: it accepts nothing new; it could not start, and has printed why. */
  | { event: 'retiring' }
  | { event: 'broken'; reason: string };

const events: unknown[] = ['listening', 'failed', 'drained', 'retiring', 'broken'] satisfies Message['event'][];

/** False for what the application sends of its own, which may be anything. */
export function isMessage(sent: unknown): sent is Message {
  return events.includes((sent as Partial<Message> | null)?.event);
}

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
export function leaveParent(): void {
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
    leaveParent();
  });
}
