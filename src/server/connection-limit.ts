import { readdirSync, readFileSync } from 'node:fs';

/** Of the descriptors that are left, how many connections do not get: files, the store and its connections need some. */
const leastReserve = 16;
const reserveShare = 1 / 8;
const leastConnections = 8;

/**
 * How many connections this process may have, by its limit of open files and by what it has open now. A worker without a
 * descriptor left loses connections that its primary hands over, and gets no other one any more.
 */
export function readConnectionLimit(): number {
  // Other systems do not tell.
  if (process.platform !== 'linux') return Number.POSITIVE_INFINITY;
  const [, files = ''] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  if (files === '') return Number.POSITIVE_INFINITY;
  const left = Number(files) - readdirSync('/proc/self/fd').length;
  return Math.max(Math.floor(left - Math.max(leastReserve, left * reserveShare)), leastConnections);
}
