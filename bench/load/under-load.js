import { createMeasure } from '../measure/load.js';
import { measureRows } from '../measure/rounds.js';
import { BenchServers } from '../servers/bench-servers.js';
import { rowTitle, servers } from '../servers/registry.js';
import { verifyServer } from '../servers/verify.js';
import { openSessions } from './client.js';

/** A cookie as long as a session cookie, for servers without sessions. */
const otherCookie = `other=${'x'.repeat(100)}`;

/**
 * Measures several servers in turn, under one or more loads.
 * @param loads the loads by name; a row's name contains the name of its load, unless it is empty. `open` are the pages
 *   that create a session; without it, no request has a cookie.
 * @param majors the versions of Node.js; default: the usual ones
 * @param verify checks the cookie of a session before the measurement
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
