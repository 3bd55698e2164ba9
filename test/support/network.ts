import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A way to a local port, through a port of its own. */
export interface Way {
  port: number;
  /** Forgets the connections of this moment, as a firewall does: what is sent on them goes nowhere, without a word. */
  loseConnections(): void;
  /** Ends the connections of this moment. */
  cutConnections(): void;
}

interface WayOptions {
  /** The address of this machine at which the way begins. */
  host?: string;
  /** Changes what comes back. */
  translate?: (chunk: Buffer) => Buffer;
}

export async function openWay(to: number, { host = '127.0.0.1', translate }: WayOptions = {}): Promise<Way> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    const onward = connect(to, '127.0.0.1');
    socket.pipe(onward);
    if (translate) onward.on('data', (chunk) => socket.write(translate(chunk))).on('end', () => socket.end());
    else onward.pipe(socket);
    for (const end of [socket, onward]) {
      open.add(end);
      end.on('error', () => end.destroy());
    }
  }).listen(0, host);
  await once(server, 'listening');
  const cutConnections = (): void => {
    for (const end of open) end.resetAndDestroy();
  };
  onTestFinished(() => {
    cutConnections();
    server.close();
  });
  const loseConnections = (): void => {
    for (const end of open) end.unpipe().pause();
  };
  return { port: (server.address() as AddressInfo).port, loseConnections, cutConnections };
}
