import { type IncomingHttpHeaders, request } from 'node:http';

export interface RequestOptions {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

export interface HttpResponse {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  /** The cookies that it sets, as a client sends them back. */
  cookie: string;
}

/** One request on a connection of its own, with no header but the given ones. */
export function send(url: string, { method = 'GET', headers = {}, body }: RequestOptions = {}): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, async (response) => {
      try {
        const text = (await response.setEncoding('utf8').toArray()).join('');
        const cookie = (response.headers['set-cookie'] ?? []).map((line) => line.split(';')[0]).join('; ');
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text, cookie });
      } catch (error) {
        reject(error);
      }
    });
    sent.on('error', reject).end(body);
  });
}
