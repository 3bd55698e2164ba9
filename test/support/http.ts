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
  /** The cookies of the response, in the format of a Cookie header. */
  cookie: string;
}

/** Sends one request on a new connection, with only the given headers. */
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
