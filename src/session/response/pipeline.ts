import { Socket } from 'node:net';
import type { Request, Response } from '../http.ts';

/** How many responses of one connection may wait for an earlier response before the server stops reading requests. */
const limit = 100;

const waiting = Symbol('responses waiting for an earlier one');

interface Counted {
  [waiting]?: number;
}

/**
 * Limits how many pipelined requests of one connection are handled at the same time. Node.js stops reading only when enough
 * output is buffered, and a response that waits for its session has no output yet.
 */
export function limitPipeline({ socket }: Request & { socket: Counted }, res: Response): void {
  // Node.js assigns the socket to a response only after all earlier responses were sent.
  if (res.socket !== null || !(socket instanceof Socket)) return;
  if (socket[waiting] === undefined) socket.on('resume', () => pauseAtLimit(socket));
  socket[waiting] = (socket[waiting] ?? 0) + 1;
  // Pause on the next tick: Node.js resumes the socket at the end of each request and parses the rest of the received data.
  process.nextTick(() => pauseAtLimit(socket));
  res.once('close', () => {
    socket[waiting] = (socket[waiting] ?? 0) - 1;
    if (socket[waiting] === limit - 1) socket.resume();
  });
}

function pauseAtLimit(socket: Socket & Counted): void {
  if ((socket[waiting] ?? 0) >= limit) socket.pause();
}
