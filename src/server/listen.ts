import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { UserError } from '../errors.ts';
import { readConnectionLimit } from './connection-limit.ts';
import { Traffic } from './traffic.ts';

export interface Listening {
  servers: Server[];
  traffic: Traffic;
  /** The URL for a browser. */
  url: string;
}

/**
 * Listens on every address of the host: `localhost` is 127.0.0.1 and ::1, and a browser can use either.
 * @throws UserError when it cannot listen on the host or the port
 */
export async function listen(create: () => Server, { host, port }: { host: string; port: number }): Promise<Listening> {
  const addresses = await resolve(host);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await listenAtAll(create, addresses, host, port);
    } catch (error) {
      // A port can be free on one address and in use on another.
      const again = port === 0 && attempt < 10 && error instanceof UserError && error.code === 'port-in-use';
      if (!again) throw error;
    }
  }
}

async function listenAtAll(create: () => Server, addresses: string[], host: string, port: number): Promise<Listening> {
  const servers: Server[] = [];
  const traffic = new Traffic(readConnectionLimit());
  let taken = port;
  try {
    for (const address of addresses) {
      const server = await listenAt(traffic.watch(create()), address, taken);
      if (!server) continue;
      servers.push(server);
      taken = (server.address() as AddressInfo).port;
    }
  } catch (error) {
    for (const server of servers) server.close();
    throw explain(error, host, taken);
  }
  if (servers.length === 0) throw explain({ code: 'EADDRNOTAVAIL' }, host, port);
  return { servers, traffic, url: `http://${nameForBrowser(host)}:${taken}` };
}

// Undefined when the machine does not have this address, such as ::1 without IPv6.
async function listenAt(server: Server, host: string, port: number): Promise<Server | undefined> {
  server.listen({ host, port });
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    if (['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

async function resolve(host: string): Promise<string[]> {
  // Do not resolve localhost: hosts files differ. Browsers also use the loopback addresses for it.
  if (host === 'localhost') return ['127.0.0.1', '::1'];
  try {
    const found = await lookup(host, { all: true });
    return [...new Set(found.map(({ address }) => address))];
  } catch (error) {
    throw explain(error, host, 0);
  }
}

function nameForBrowser(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

function explain(error: unknown, host: string, port: number): unknown {
  const { code = '' } = error as { code?: string };
  if (code === 'EADDRINUSE') return portTaken(host, port);
  if (code === 'EACCES') {
    return new UserError(
      'port-denied',
      `This user may not open port ${port}.`,
      'Choose a port above 1023: --port 5000, or PORT=5000',
    );
  }
  if (['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN'].includes(code)) {
    return new UserError(
      'bad-host',
      `This machine does not have the address '${host}'.`,
      'Choose another: --host localhost, or HOST=0.0.0.0 for every address of the machine.',
    );
  }
  return error;
}

function portTaken(host: string, port: number): UserError {
  // https://developer.apple.com/forums/thread/682332
  const airplay = process.platform === 'darwin' && port === 5000;
  const holder = airplay
    ? ' On macOS it is usually AirPlay Receiver (System Settings, General, AirDrop & Handoff).'
    : '';
  const other = port === 65535 ? port - 1 : port + 1;
  return new UserError(
    'port-in-use',
    `Port ${port} of ${host} is in use by another program.${holder}`,
    `Choose another: --port ${other}, or PORT=${other}. Port 0 selects any free port.`,
  );
}
