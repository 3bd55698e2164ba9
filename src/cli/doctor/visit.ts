import { type IncomingHttpHeaders, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';

/** What a server said to one request. */
export interface Visit {
  url: URL;
  status: number;
  headers: IncomingHttpHeaders;
}

const waitMs = 5_000;
const hops = 5;

/** Asks for one page, with no cookie. Rejects with Node's error when nothing answers. */
export function visit(url: URL): Promise<Visit> {
  const request = url.protocol === 'https:' ? requestSecure : requestPlain;
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false, signal: AbortSignal.timeout(waitMs) }, (response) => {
      const { statusCode: status = 0, headers } = response;
      response.destroy();
      resolve({ url, status, headers });
    });
    sent.on('error', reject).end();
  });
}

/** Follows redirects as a browser does, and gives every answer on the way. */
export async function follow(url: URL): Promise<[Visit, ...Visit[]]> {
  const visits: [Visit, ...Visit[]] = [await visit(url)];
  for (let last = visits[0]; visits.length <= hops; visits.push(last)) {
    const { location } = last.headers;
    if (last.status < 300 || last.status > 399 || !location || !URL.canParse(location, last.url.href)) break;
    const next = new URL(location, last.url);
    if (!/^https?:$/.test(next.protocol) || next.hostname !== url.hostname) break;
    last = await visit(next);
  }
  return visits;
}
