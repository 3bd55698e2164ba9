import { createMeasure } from '../measure/load.js';
import { measureRows } from '../measure/rounds.js';
import { BenchServers } from '../servers/bench-servers.js';
import { rowTitle, servers } from '../servers/registry.js';
import { verifyServer } from '../servers/verify.js';
import { openSessions } from './client.js';

/** A cookie as long as a session's, for what knows none. */
const otherCookie = `other=${'x'.repeat(100)}`;

/**
 * Measures servers in turn under one or more loads.
 * @param loads by name (the empty name adds nothing to a row's): what is asked for, with `open`, the pages that open a
 *   session; without it every request comes without a cookie
 * @param majors the versions of Node.js, when they are others than usual
 * @param verify checks the cookie of a session before anything is measured
 */
export async function measureUnderLoad(bench, ids, { loads, seconds, majors, verify = () => undefined }) {
  const started = new BenchServers(bench);
  try {
    const all = await started.startAll(ids, majors);
    const measures = {};
    for (const [name, { path, body, open }] of Object.entries(loads)) {
      for (const [row, server] of Object.entries(all)) {
        const isSessionless = servers[row.split('@')[0]].isSessionless ?? false;
        await verifyServer(server, { isSessionless });
        const cookies = await cookiesFor(server, open, isSessionless);
        if (open) await verify(server, cookies[0]);
        const requests = cookies.map((cookie) => [path, cookie]);
        const load = { requests, bodies: [body], seconds };
        measures[`${row} ${name}`.trim()] = await createMeasure(bench, server, load);
      }
    }
    return await measureRows(bench, measures, titleOf);
  } finally {
    await started.stop();
  }
}

function cookiesFor({ url }, open, isSessionless) {
  if (isSessionless) return [otherCookie];
  return open ? openSessions(url, open) : [''];
}

function titleOf(id) {
  const [row, ...rest] = id.split(' ');
  return [rowTitle(row), ...rest].join(', ');
}
