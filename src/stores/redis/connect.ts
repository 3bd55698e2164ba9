import type { Address, Host } from './address.ts';
import { createClusterClient, createServerClient } from './client.ts';
import { Link } from './link.ts';

/** The result for one host: `link` leads to a server that accepts writes; undefined for a node of a cluster. */
interface HostResult {
  host: Host;
  link: Link | undefined;
}

/**
 * Connects to the first host that responds, or to its cluster. All hosts are tried at the same time, so a host that does not
 * respond causes no delay.
 * @throws Error with the reason for each host, when all hosts fail
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
    if (mode !== 'cluster' && role !== 'master') throw new Error('it is a replica, which does not accept writes');
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

// A host name with several addresses fails with an AggregateError that has no message.
function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join(', ');
  return error instanceof Error ? error.message : String(error);
}

function ignore(): undefined {
  return undefined;
}
