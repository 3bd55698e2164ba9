import { readdirSync, readFileSync } from 'node:fs';

/** How many free file descriptors to reserve for files and for the store's connections. */
const leastReserve = 16;
const reserveShare = 1 / 8;
const leastConnections = 8;

/**
 * How many connections this process may accept, from its limit of open files and the files that are open now. A worker
 * without a free descriptor loses the connections that the primary hands over, and then receives no more.
 */
export function readConnectionLimit(): number {
  // Only Linux has /proc.
  if (process.platform !== 'linux') return Number.POSITIVE_INFINITY;
  const [, files = ''] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  if (files === '') return Number.POSITIVE_INFINITY;
  const left = Number(files) - readdirSync('/proc/self/fd').length;
  return Math.max(Math.floor(left - Math.max(leastReserve, left * reserveShare)), leastConnections);
}
