/** What a server says to the `sessapp serve` that started it. */
export type Message =
  | { event: 'listening'; url: string; store: string }
  | { event: 'failed'; code: string; message: string; hint: string }
  | { event: 'drained' };

/** False when nobody listens: the server was started by itself, or has outlived the one that started it. */
export function tellParent(message: Message): boolean {
  if (!process.connected) return false;
  process.send?.(message);
  return true;
}

/** Closes the channel, so that it does not keep the process running. */
export function leaveParent(): void {
  if (process.connected) process.disconnect();
}
