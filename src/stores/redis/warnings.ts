import { ErrorReply } from 'redis';
import type { ServerClient } from './client.ts';

const noPersistence =
  'Redis keeps no sessions when it restarts: it has neither an append-only file (appendonly yes) nor snapshots (save).';
const evicts = (policy: string): string =>
  `Redis may drop sessions to make room: its maxmemory-policy is ${policy}. Set it to noeviction.`;

/** What in the configuration of these servers can lose sessions. */
export async function findWarnings(servers: ServerClient[]): Promise<string[]> {
  const found = await Promise.all(servers.map(warningsOf));
  return [...new Set(found.flat())];
}

async function warningsOf(server: ServerClient): Promise<string[]> {
  const [persistence = '', memory = '', config] = await Promise.all([
    server.info('persistence').catch(ignoreRefusal),
    server.info('memory').catch(ignoreRefusal),
    server.configGet('save').catch(ignoreRefusal),
  ]);
  const hasFile = fieldOf(persistence, 'aof_enabled') !== '0';
  const hasSnapshots = config?.save !== '';
  const policy = fieldOf(memory, 'maxmemory_policy') ?? 'noeviction';
  return [...(hasFile || hasSnapshots ? [] : [noPersistence]), ...(policy === 'noeviction' ? [] : [evicts(policy)])];
}

// Hosted servers do not tell everybody how they are configured, and then it is not for us to warn.
function ignoreRefusal(error: unknown): undefined {
  if (!(error instanceof ErrorReply)) throw error;
}

function fieldOf(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
}
