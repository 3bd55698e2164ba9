import { isIP } from 'node:net';
import { createClient, createCluster } from 'redis';
import type { Address, Host } from './address.ts';
import { scripts } from './scripts.ts';

/** How long a server may take to accept a connection, and to say anything at all on one. */
const connectMs = 1000;
const silentMs = 1500;
/** How often a connection without other traffic is tried, so that a dead one is found before a request needs it. */
const pingMs = 500;

export type ServerClient = ReturnType<typeof createServerClient>;
export type ClusterClient = ReturnType<typeof createClusterClient>;

// Connections are made anew by ours, not by the package: a client that has lost its server is thrown away.
function sharedOptions({ tls, username, password }: Address) {
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    socket: {
      ...(tls && { tls: true as const }),
      ...{ connectTimeout: connectMs, socketTimeout: silentMs, reconnectStrategy: false as const },
    },
    disableOfflineQueue: true,
    pingInterval: pingMs,
    maintNotifications: 'disabled' as const,
  };
}

/** A client of one server. */
export function createServerClient(address: Address, host: Host) {
  const { socket, ...options } = sharedOptions(address);
  return createClient({
    ...options,
    socket: { ...socket, ...toSocket(address, host) },
    database: address.database,
    commandOptions,
    scripts,
  });
}

/** A client of all nodes of a cluster, which it asks one of them for. */
export function createClusterClient(address: Address, node: Host) {
  return createCluster({
    rootNodes: [{ socket: toSocket(address, node) }],
    nodeAddressMap: (node) => toSocket(address, toHost(node)),
    defaults: sharedOptions(address),
    // A node that is away keeps nobody from the others.
    minimizeConnections: true,
    topologyRefreshOnReconnectionAttemptStrategy: false,
    commandOptions,
    scripts,
  });
}

// Who serves several hosts at one address goes by the name in the greeting of TLS, which may be no IP address (RFC 6066).
function toSocket({ tls }: Address, { host, port }: Host) {
  return { host, port, ...(tls && isIP(host) === 0 && { servername: host }) };
}

/** @param node as a cluster names it: `host:port` */
function toHost(node: string): Host {
  const end = node.lastIndexOf(':');
  return { host: node.slice(0, end), port: Number(node.slice(end + 1)) };
}

// The package counts the time until a command is written; ours until it is answered.
const commandOptions = { timeout: 0 };
