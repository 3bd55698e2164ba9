import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadCore, run } from '../measure/processes.js';

const script = join(import.meta.dirname, 'wrk.lua');

export const connections = 32;

/**
 * Sends requests as fast as the server responds.
 * @param pinned false: on all cores, together with the server
 * @throws when the status of a response was not 200, or its body was not expected
 */
export async function sendLoad(url, file, bodies, seconds, pinned = true) {
  const flags = [
    '--threads',
    '1',
    '--connections',
    String(connections),
    '--duration',
    `${seconds}s`,
    '--timeout',
    '10s',
  ];
  const args = [...flags, '--script', script, url, '--', file, ...bodies];
  const stdout = pinned ? await run('taskset', ['-c', loadCore(), 'wrk', ...args]) : await run('wrk', args);
  return parseWrk(stdout);
}

/** @throws when a request failed or got an unexpected response */
export function parseWrk(stdout) {
  const line = stdout.split('\n').find((text) => text.startsWith('{"requests"'));
  if (line === undefined) throw new Error(`wrk printed no result:\n${stdout}`);
  const { requests, micros, p50Micros, p99Micros, wrong, failed } = JSON.parse(line);
  if (wrong > 0) throw new Error(`${wrong} of ${requests} responses were not as expected`);
  if (failed > 0) throw new Error(`${failed} requests failed`);
  if (requests === 0) throw new Error('no request got a response');
  return { requests, requestsPerSecond: requests / (micros / 1e6), p50Ms: p50Micros / 1000, p99Ms: p99Micros / 1000 };
}

/** @param requests pairs of a path and a cookie, sent in turn */
export async function writeRequests(file, requests) {
  await writeFile(file, requests.map(([path, cookie]) => `${path}\t${cookie}\n`).join(''));
}
