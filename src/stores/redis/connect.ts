import type { Address, Host } from './address.ts';
import { createClusterClient, createServerClient } from './client.ts';
import { Link } from './link.ts';

/** What is at a host: a server that takes writes, to which the link leads, or else a node of a cluster. */
interface HostResult {
  host: Host;
  link: Link | undefined;
}

/**
 * Connects to the host that is the first to answer, or to the cluster that it is a node of: one that does not answer keeps
 * nobody from the others.
 * @throws Error that says what is wrong with each of them
 */
export async function connect(address: Address, hosts: Host[]): Promise<Link> {
  const looking = hosts.map((host) => look(address, host));
  const found = await Promise.any(looking).catch((error: AggregateError) => {
    throw new Error(error.errors.map(describe).join('; '));
  });
  for (const other of looking) void other.then(({ link }) => link !== found.link && link?.destroy(), ignore);
  return found.link ?? connectToCluster(address, found.host);
}

async function look(address: Address, host: Host): Promise<HostResult> {
  const client = createServerClient(address, host);
  const link = new Link(client);
  try {
    await client.connect();
    const { mode, role } = await client.hello();
    if (mode !== 'cluster' && role !== 'master') throw new Error('it is a replica, which takes no writes');
    if (mode !== 'cluster') return { host, link };
    link.destroy();
    return { host, link: undefined };
  } catch (error) {
    link.destroy();
    throw new Error(`${host.host}:${host.port}: ${describe(error)}`);
  }
}

async function connectToCluster(address: Address, host: Host): Promise<Link> {
  const client = createClusterClient(address, host);
  const link = new Link(client);
  try {
    await client.connect();
    return link;
  } catch (error) {
    link.destroy();
    throw error;
  }
}

// A name with several addresses fails with an error for each of them, and no text of its own.
function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join(', ');
  return error instanceof Error ? error.message : String(error);
}

function ignore(): undefined {
  return undefined;
}
