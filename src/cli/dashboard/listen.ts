import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hasCode, UserError } from '../../errors.ts';

/**
 * Listens at the loopback address.
 * @param port 0 takes a free one
 * @returns the address for a browser
 * @throws UserError when the port cannot be had
 */
export async function listenAtLoopback(server: Server, port: number): Promise<string> {
  const host = '127.0.0.1';
  server.listen({ host, port });
  try {
    await once(server, 'listening');
  } catch (error) {
    const hint = 'Leave --port out: the dashboard takes a free one.';
    if (hasCode(error, 'EADDRINUSE'))
      throw new UserError('port-in-use', `Port ${port} of ${host} is in use by another program.`, hint);
    if (hasCode(error, 'EACCES'))
      throw new UserError('port-denied', `This user may not open port ${port}.`, hint);
    throw error;
  }
  return `http://${host}:${(server.address() as AddressInfo).port}`;
}
