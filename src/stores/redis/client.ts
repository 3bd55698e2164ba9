import { isIP } from 'node:net';
import { createClient, createCluster } from 'redis';
import type { Address, Host } from './address.ts';
import { scripts } from './scripts.ts';

/** Timeouts for connecting to a server, and for silence on a connection. */
const connectMs = 1000;
const silentMs = 1500;
/** The interval of pings on an idle connection, so that a dead connection is found before a request needs it. */
const pingMs = 500;

export type ServerClient = ReturnType<typeof createServerClient>;
export type ClusterClient = ReturnType<typeof createClusterClient>;

// Our Connection reconnects, not the package: a client that lost its server is discarded.
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

/** Creates a client for one server. */
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

/** Creates a client for a cluster. It discovers all nodes from one node. */
export function createClusterClient(address: Address, node: Host) {
  return createCluster({
    rootNodes: [{ socket: toSocket(address, node) }],
    nodeAddressMap: (node) => toSocket(address, toHost(node)),
    defaults: sharedOptions(address),
    // With this setting, an unavailable node does not block the others.
    minimizeConnections: true,
    topologyRefreshOnReconnectionAttemptStrategy: false,
    commandOptions,
    scripts,
  });
}

// Send the host name in the TLS handshake (SNI), because one address may serve several hosts. RFC 6066 allows no IP address.
function toSocket({ tls }: Address, { host, port }: Host) {
  return { host, port, ...(tls && isIP(host) === 0 && { servername: host }) };
}

/** @param node a node as the cluster reports it: `host:port` */
function toHost(node: string): Host {
  const end = node.lastIndexOf(':');
  return { host: node.slice(0, end), port: Number(node.slice(end + 1)) };
}

// The package's timeout covers only the time until a command is written. Link has a timeout for the reply.
const commandOptions = { timeout: 0 };
