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
export function createServerClient(address: Address, { host, port }: Host) {
  const { socket, ...options } = sharedOptions(address);
  return createClient({
    ...options,
    socket: { ...socket, host, port },
    database: address.database,
    commandOptions,
    scripts,
  });
}

/** A client of all nodes of a cluster, which it asks one of them for. */
export function createClusterClient(address: Address, node: Host) {
  return createCluster({
    rootNodes: [{ socket: node }],
    defaults: sharedOptions(address),
    // A node that is away keeps nobody from the others.
    minimizeConnections: true,
    topologyRefreshOnReconnectionAttemptStrategy: false,
    commandOptions,
    scripts,
  });
}

// The package counts the time until a command is written; ours until it is answered.
const commandOptions = { timeout: 0 };
