import { Socket } from 'node:net';
import type { Request, Response } from '../http.ts';

/** How many responses of one connection may wait for the one before them until the server reads no more requests. */
const limit = 100;

const waiting = Symbol('responses that wait for another one');

interface Counted {
  [waiting]?: number;
}

/**
 * Bounds how many requests of one connection are handled at the same time, when its client sends them without waiting for
 * responses. Node.js reads on until much is to be sent, and a response that waits for its session has nothing to send yet.
 */
export function limitPipeline({ socket }: Request & { socket: Counted }, res: Response): void {
  // Node.js gives a response its socket when the responses before it have been sent.
  if (res.socket !== null || !(socket instanceof Socket)) return;
  if (socket[waiting] === undefined) socket.on('resume', () => pauseAtLimit(socket));
  socket[waiting] = (socket[waiting] ?? 0) + 1;
  // Not at once: Node.js makes the socket read on at the end of each request, and reads the rest of what has arrived.
  process.nextTick(() => pauseAtLimit(socket));
  res.once('close', () => {
    socket[waiting] = (socket[waiting] ?? 0) - 1;
    if (socket[waiting] === limit - 1) socket.resume();
  });
}

function pauseAtLimit(socket: Socket & Counted): void {
  if ((socket[waiting] ?? 0) >= limit) socket.pause();
}
