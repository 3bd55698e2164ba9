import { createServer, type Server } from 'node:http';
import { UserError } from '../../errors.ts';
import type { Settings } from '../../settings/settings.ts';
import { listen } from '../listen.ts';
import type { Counts } from './counts.ts';
import { contentType, renderCounts } from './render.ts';

/**
 * Serves GET /metrics on a separate address.
 * @returns the URL, and a function that closes the server
 * @throws UserError when the server cannot listen on the address
 */
export async function serveMetrics(
  address: NonNullable<Settings['metrics']>,
  read: () => Counts,
): Promise<{ url: string; close: () => void }> {
  try {
    const { servers, traffic, url } = await listen(() => createMetricsServer(read), address);
    // An open connection of Prometheus must not keep the process running.
    for (const server of servers) server.unref();
    const close = (): void => {
      for (const server of servers) server.close();
      traffic.cut();
    };
    return { url: `${url}/metrics`, close };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const hint = 'Choose another METRICS_PORT or METRICS_HOST, or unset METRICS_PORT.';
    throw new UserError(error.code, `The metrics cannot be served: ${error.message}`, hint);
  }
}

function createMetricsServer(read: () => Counts): Server {
  return createServer((req, res) => {
    // Idle connections would keep the process running.
    res.setHeader('Connection', 'close');
    const isAsked = req.url?.split('?')[0] === '/metrics' && ['GET', 'HEAD'].includes(req.method ?? '');
    if (!isAsked) return res.writeHead(404).end();
    return res.setHeader('Content-Type', contentType).end(renderCounts(read()));
  });
}
