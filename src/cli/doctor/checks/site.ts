import { type Check, type Finding, notChecked, note, ok, problem } from '../check.ts';
import { isLoopback } from '../subject.ts';

const waitMs = 5_000;
const redirectLimit = 5;

/** What a server said to one request. */
interface SiteResponse {
  url: URL;
  status: number;
  headers: Headers;
}

/** Is what answers at the address that was given as it must be? The one check that uses the network. */
export const site: Check = {
  name: 'site',
  async examine({ url, marker }) {
    if (!url) return [ok('Not asked: no --url was given.')];
    const responses = await followRedirects(url).catch(describe);
    if (typeof responses === 'string') return [unreachable(url, responses)];
    const last = responses.at(-1) ?? responses[0];
    const findings = [
      ...(last.status < 500 ? [] : [fails(last)]),
      ...(last.url.protocol === 'https:' || isLoopback(url.hostname) ? [] : [noHttps(url)]),
      ...checkCookie(responses, marker?.cookie),
      ...(last.url.protocol !== 'https:' || last.headers.has('strict-transport-security') ? [] : [noTransport(last)]),
      // Another port than the usual one has no twin for plain HTTP.
      ...(url.protocol === 'https:' && url.port === '' ? await checkPlainHttp(new URL(`http://${url.host}/`)) : []),
    ];
    return findings.length > 0 ? findings : [ok(`${last.url.origin} answers as it should.`)];
  },
};

/** Asks for one page, with no cookie. Rejects when nothing answers. */
async function request(url: URL): Promise<SiteResponse> {
  const { status, headers, body } = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(waitMs) });
  await body?.cancel();
  return { url, status, headers };
}

/** Follows redirects on the same host as a browser does, and gives every response on the way. */
async function followRedirects(url: URL): Promise<[SiteResponse, ...SiteResponse[]]> {
  const responses: [SiteResponse, ...SiteResponse[]] = [await request(url)];
  for (let last = responses[0]; responses.length <= redirectLimit; responses.push(last)) {
    const next = redirectOf(last);
    // fetch refuses an address with a user.
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

// What fetch rejects with says in its cause what Node.js said.
function describe(error: Error & { cause?: NodeJS.ErrnoException }): string {
  if (error.name === 'TimeoutError') return 'no answer within 5 s';
  return error.cause?.code ?? error.cause?.message ?? error.message;
}

function unreachable(url: URL, reason: string): Finding {
  if (!/CERT|SSL|TLS|ALTNAME|SIGNATURE/i.test(reason))
    return notChecked(`${url.origin} cannot be reached (${reason}).`);
  return problem(
    `The certificate of ${url.origin} is not accepted: ${reason}.`,
    'Browsers warn of it, or refuse it.',
    'Renew it, or add what is missing of its chain.',
  );
}

function fails({ url, status }: SiteResponse): Finding {
  const remedy = 'Look at the log of the server, and of the proxy.';
  return problem(`${url.origin} answers with ${status}.`, 'Nobody can use it.', remedy);
}

function noHttps(url: URL): Finding {
  return problem(
    `${url.origin} does not lead to HTTPS.`,
    'Everybody on the way can read what is sent there, and answer in the server’s place.',
    'Let the proxy redirect plain HTTP to HTTPS, with 301 or 308.',
  );
}

// A proxy may change what the server set.
function checkCookie(responses: SiteResponse[], name: string | undefined): Finding[] {
  const set = responses.flatMap(({ headers, url }) => headers.getSetCookie().map((line) => ({ line, url })));
  const own = set.filter(({ line }) => name !== undefined && nameOf(line).replace(/^__Host-/, '') === name);
  if (own.length > 0) return own.flatMap(({ line, url }) => checkLine(line, url));
  return [
    note(
      'This page sets no session cookie of this environment.',
      'Whether it would be set right cannot be seen. In production none is set when the server does not know of HTTPS (TRUST_PROXY).',
      'Give the address of a page that does.',
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
  const remedy = 'The server sets it right: let the proxy leave Set-Cookie as it is.';
  return [
    ...lackings.map((fact) => problem(fact, 'A script, or another site, can use the session.', remedy)),
    ...wide.map((domain) => problem(`The session cookie is for a whole domain: ${domain}.`, whyDomain, remedy)),
  ];
}

const whyDomain = 'Every other host of that domain gets it, and can set it.';

function nameOf(line: string): string {
  return line.split('=')[0]?.trim() ?? '';
}

function notSecure(url: URL): Finding {
  return problem(
    `${url.origin} sets the session cookie for plain HTTP: the server does not know of HTTPS.`,
    'It is sent over plain HTTP too, where everybody on the way can read it.',
    'Let the proxy set X-Forwarded-Proto, and give the server TRUST_PROXY=1, or the number of proxies.',
  );
}

function noTransport({ url }: SiteResponse): Finding {
  return problem(
    `${url.origin} sends no Strict-Transport-Security.`,
    'A browser’s first request may then go over plain HTTP, where it can be answered by anybody.',
    'Run the server with --production, or NODE_ENV=production in .env.',
  );
}

/** What answers to plain HTTP at the same host must lead to HTTPS. */
export async function checkPlainHttp(plain: URL): Promise<Finding[]> {
  const found = await request(plain).catch(() => undefined);
  return found && redirectOf(found)?.protocol !== 'https:' ? [noHttps(plain)] : [];
}
