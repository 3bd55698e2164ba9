import { ErrorReply } from 'redis';
import type { ServerClient } from './client.ts';

const noPersistence =
  'Redis loses all sessions when it restarts: turn on the append-only file (appendonly yes) or snapshots (save).';
const evicts = (policy: string): string =>
  `Redis may evict sessions when its memory is full: maxmemory-policy is ${policy}. Set it to noeviction.`;

/** Settings of these servers that can lose sessions. */
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

// Hosted servers may refuse to show their configuration. Then there is nothing to warn about.
function ignoreRefusal(error: unknown): undefined {
  if (!(error instanceof ErrorReply)) throw error;
}

function fieldOf(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
}
