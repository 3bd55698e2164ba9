import { type Check, type Finding, notChecked, note, ok, problem } from '../check.ts';
import { isLoopback } from '../subject.ts';

const waitMs = 5_000;
const redirectLimit = 5;

/** The response to one request. */
interface SiteResponse {
  url: URL;
  status: number;
  headers: Headers;
}

/** Is the site at `--url` set up correctly? Only this check sends requests to that address. */
export const site: Check = {
  name: 'site',
  async examine({ url, marker }) {
    if (!url) return [ok('Not checked: no --url given.')];
    const responses = await followRedirects(url).catch(describe);
    if (typeof responses === 'string') return [unreachable(url, responses)];
    const last = responses.at(-1) ?? responses[0];
    const findings = [
      ...(last.status < 500 ? [] : [fails(last)]),
      ...(last.url.protocol === 'https:' || isLoopback(url.hostname) ? [] : [noHttps(url)]),
      ...checkCookie(responses, marker?.cookie),
      ...(last.url.protocol !== 'https:' || last.headers.has('strict-transport-security')
        ? []
        : [noStrictTransport(last)]),
      // Only the default port 443 has a matching plain HTTP port.
      ...(url.protocol === 'https:' && url.port === '' ? await checkPlainHttp(new URL(`http://${url.host}/`)) : []),
    ];
    return findings.length > 0 ? findings : [ok(`${last.url.origin} is set up correctly.`)];
  },
};

/** Requests one page, without cookies. Rejects when there is no response. */
async function request(url: URL): Promise<SiteResponse> {
  const { status, headers, body } = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(waitMs) });
  await body?.cancel();
  return { url, status, headers };
}

/** Follows redirects on the same host, as a browser does. Returns all responses. */
async function followRedirects(url: URL): Promise<[SiteResponse, ...SiteResponse[]]> {
  const responses: [SiteResponse, ...SiteResponse[]] = [await request(url)];
  for (let last = responses[0]; responses.length <= redirectLimit; responses.push(last)) {
    const next = redirectOf(last);
    // fetch rejects a URL with a user name.
    if (!next || !/^https?:$/.test(next.protocol) || next.hostname !== url.hostname || next.username !== '') break;
    last = await request(next);
  }
  return responses;
}

function redirectOf({ url, status, headers }: SiteResponse): URL | undefined {
  const location = headers.get('location');
  if (status < 300 || status > 399 || !location || !URL.canParse(location, url.href)) return undefined;
  return new URL(location, url);
}

// The error of fetch has Node.js's own error as its cause.
function describe(error: Error & { cause?: NodeJS.ErrnoException }): string {
  if (error.name === 'TimeoutError') return 'no response within 5 s';
  return error.cause?.code ?? error.cause?.message ?? error.message;
}

function unreachable(url: URL, reason: string): Finding {
  if (!/CERT|SSL|TLS|ALTNAME|SIGNATURE/i.test(reason))
    return notChecked(`${url.origin} cannot be reached (${reason}).`);
  return problem(
    `The certificate of ${url.origin} is not accepted: ${reason}.`,
    'Browsers show a warning, or refuse to open the site.',
    'Renew the certificate, or add the missing certificates of its chain.',
  );
}

function fails({ url, status }: SiteResponse): Finding {
  const remedy = 'Read the logs of the server and of the proxy.';
  return problem(`${url.origin} responds with ${status}.`, 'Nobody can use the site.', remedy);
}

function noHttps(url: URL): Finding {
  return problem(
    `${url.origin} does not redirect to HTTPS.`,
    'Anyone on the network path can read the requests, and send forged responses.',
    'Configure the proxy to redirect plain HTTP to HTTPS, with status 301 or 308.',
  );
}

// A proxy may change the Set-Cookie header.
function checkCookie(responses: SiteResponse[], name: string | undefined): Finding[] {
  const set = responses.flatMap(({ headers, url }) => headers.getSetCookie().map((line) => ({ line, url })));
  const own = set.filter(({ line }) => name !== undefined && nameOf(line).replace(/^__Host-/, '') === name);
  if (own.length > 0) return own.flatMap(({ line, url }) => checkLine(line, url));
  return [
    note(
      'This page sets no session cookie of this environment.',
      'The cookie could not be checked. In production, the server sets none unless it detects HTTPS (see TRUST_PROXY).',
      'Use --url with a page that sets a session cookie.',
    ),
  ];
}

function checkLine(line: string, url: URL): Finding[] {
  const isSecure = url.protocol === 'https:';
  if (isSecure && !nameOf(line).startsWith('__Host-')) return [notSecure(url)];
  const [, ...attributes] = line.split(';').map((part) => part.trim().toLowerCase());
  const wanted = ['httponly', 'path=/', ...(isSecure ? ['secure'] : [])];
  const lacks = wanted.filter((name) => !attributes.includes(name));
  if (!attributes.some((name) => /^samesite=(lax|strict)$/.test(name))) lacks.push('samesite=lax');
  const wide = attributes.filter((name) => name.startsWith('domain=')).map((name) => name.slice('domain='.length));
  const lackings = lacks.length > 0 ? [`The session cookie lacks ${lacks.join(', ')}.`] : [];
  const remedy = 'The server sets the cookie correctly. Configure the proxy to leave Set-Cookie unchanged.';
  return [
    ...lackings.map((fact) => problem(fact, 'A script or another site may be able to use the session.', remedy)),
    ...wide.map((domain) => problem(`The session cookie is valid for a whole domain: ${domain}.`, whyDomain, remedy)),
  ];
}

const whyDomain = 'Every host of that domain receives the cookie, and can set it.';

function nameOf(line: string): string {
  return line.split('=')[0]?.trim() ?? '';
}

function notSecure(url: URL): Finding {
  return problem(
    `${url.origin} sets the session cookie for plain HTTP: the server does not detect HTTPS.`,
    'Browsers send this cookie over plain HTTP too, where anyone on the network path can read it.',
    'Configure the proxy to set X-Forwarded-Proto, and set TRUST_PROXY to the number of proxies in .env.',
  );
}

function noStrictTransport({ url }: SiteResponse): Finding {
  return problem(
    `${url.origin} sends no Strict-Transport-Security.`,
    'A browser may send its first request over plain HTTP, where anyone on the network path can forge the response.',
    'Start the server with --production, or set NODE_ENV=production in .env.',
  );
}

/** Plain HTTP on the same host must redirect to HTTPS, or not respond. */
export async function checkPlainHttp(plain: URL): Promise<Finding[]> {
  const found = await request(plain).catch(() => undefined);
  return found && redirectOf(found)?.protocol !== 'https:' ? [noHttps(plain)] : [];
}
