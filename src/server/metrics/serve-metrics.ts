import { createServer, type Server } from 'node:http';
import { UserError } from '../../errors.ts';
import type { Settings } from '../../settings/settings.ts';
import { listen } from '../listen.ts';
import type { Counts } from './counts.ts';
import { contentType, renderCounts } from './render.ts';

/**
 * Responds to GET /metrics at an address of its own.
 * @returns the address, and what ends it
 * @throws UserError when the address cannot be had
 */
export async function serveMetrics(
  address: NonNullable<Settings['metrics']>,
  read: () => Counts,
): Promise<{ url: string; close: () => void }> {
  try {
    const { servers, traffic, url } = await listen(() => createMetricsServer(read), address);
    // An open connection of Prometheus does not keep the process running.
    for (const server of servers) server.unref();
    const close = (): void => {
      for (const server of servers) server.close();
      traffic.cut();
    };
    return { url: `${url}/metrics`, close };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const hint = 'Choose another METRICS_PORT or METRICS_HOST, or unset METRICS_PORT.';
    throw new UserError(error.code, `The metrics cannot be shown: ${error.message}`, hint);
  }
}

function createMetricsServer(read: () => Counts): Server {
  return createServer((req, res) => {
    // Idle connections would keep the process.
    res.setHeader('Connection', 'close');
    const isAsked = req.url?.split('?')[0] === '/metrics' && ['GET', 'HEAD'].includes(req.method ?? '');
    if (!isAsked) return res.writeHead(404).end();
    return res.setHeader('Content-Type', contentType).end(renderCounts(read()));
  });
}
