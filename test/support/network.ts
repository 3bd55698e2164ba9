import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A TCP proxy: forwards its own port to a local port. */
export interface TcpProxy {
  port: number;
  /** Drops all data on the current connections silently, as a firewall does when it forgets them. */
  loseConnections(): void;
  /** Resets the current connections. */
  cutConnections(): void;
}

interface TcpProxyOptions {
  /** The address that the proxy listens on. */
  host?: string;
  /** Changes the data that the server sends. */
  translate?: (chunk: Buffer) => Buffer;
}

export async function startTcpProxy(
  to: number,
  { host = '127.0.0.1', translate }: TcpProxyOptions = {},
): Promise<TcpProxy> {
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
