import { type Check, type Finding, notChecked, note, ok, problem } from '../check.ts';
import { isLoopback } from '../loopback.ts';
import { follow, type Visit, visit } from '../visit.ts';

/** Is what answers at the address that was given as it must be? The one check that uses the network. */
export const site: Check = {
  name: 'site',
  async examine({ url, marker }) {
    if (!url) return [ok('Not asked: no --url was given.')];
    const visits = await follow(url).catch((error: unknown) => describe(error));
    if (typeof visits === 'string') return [unreachable(url, visits)];
    const last = visits.at(-1) ?? visits[0];
    const findings = [
      ...judgeStatus(last),
      ...judgeProtocol(url, last),
      ...judgeCookie(visits, marker?.cookie),
      ...judgeTransport(last),
      ...(await judgePlain(plainTwin(url))),
    ];
    return findings.length > 0 ? findings : [ok(`${last.url.origin} answers as it should.`)];
  },
};

function describe(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ABORT_ERR' ? 'no answer within 5 s' : (code ?? message);
}

function unreachable(url: URL, reason: string): Finding {
  if (!/CERT|SSL|TLS|ALTNAME|SIGNATURE/i.test(reason))
    return notChecked(`${url.origin} cannot be reached (${reason}).`);
  const why = 'Browsers warn of it, or refuse it.';
  return problem(
    `The certificate of ${url.origin} is not accepted: ${reason}.`,
    why,
    'Renew it, or add what is missing of its chain.',
  );
}

function judgeStatus({ url, status }: Visit): Finding[] {
  if (status < 500) return [];
  const remedy = 'Look at the log of the server, and of the proxy.';
  return [problem(`${url.origin} answers with ${status}.`, 'Nobody can use it.', remedy)];
}

function judgeProtocol(url: URL, last: Visit): Finding[] {
  if (last.url.protocol === 'https:' || isLoopback(url.hostname)) return [];
  return [noHttps(url)];
}

function noHttps(url: URL): Finding {
  const fact = `${url.origin} does not lead to HTTPS.`;
  return problem(fact, whyPlain, 'Let the proxy redirect plain HTTP to HTTPS, with 301 or 308.');
}

const whyPlain = 'Everybody on the way can read what is sent there, and answer in the server’s place.';

// A proxy may change what the server set.
function judgeCookie(visits: Visit[], name: string | undefined): Finding[] {
  const set = visits.flatMap(({ headers, url }) => (headers['set-cookie'] ?? []).map((line) => ({ line, url })));
  const own = set.filter(({ line }) => name !== undefined && nameOf(line).replace(/^__Host-/, '') === name);
  if (own.length === 0)
    return [
      note('This page sets no session cookie of this environment.', whyNone, 'Give the address of a page that does.'),
    ];
  return own.flatMap(({ line, url }) => judgeLine(line, url));
}

const whyNone =
  'Whether it would be set right cannot be seen. In production none is set when the server does not know of HTTPS (TRUST_PROXY).';

function judgeLine(line: string, url: URL): Finding[] {
  const isSecure = url.protocol === 'https:';
  if (isSecure && !nameOf(line).startsWith('__Host-')) return [notSecure(url)];
  const attributes = line
    .split(';')
    .slice(1)
    .map((part) => part.trim().toLowerCase());
  const wanted = ['httponly', 'path=/', ...(isSecure ? ['secure'] : [])];
  const lacks = wanted.filter((name) => !attributes.includes(name));
  if (!attributes.some((name) => /^samesite=(lax|strict)$/.test(name))) lacks.push('samesite=lax');
  const domain = attributes.find((name) => name.startsWith('domain='))?.slice('domain='.length);
  const fact = `The session cookie lacks ${lacks.join(', ')}.`;
  return [
    ...(lacks.length === 0 ? [] : [problem(fact, 'A script, or another site, can use the session.', leave)]),
    ...(domain === undefined
      ? []
      : [problem(`The session cookie is for a whole domain: ${domain}.`, whyDomain, leave)]),
  ];
}

const whyDomain = 'Every other host of that domain gets it, and can set it.';
const leave = 'The server sets it right: let the proxy leave Set-Cookie as it is.';

function notSecure(url: URL): Finding {
  const fact = `${url.origin} sets the session cookie for plain HTTP: the server does not know of HTTPS.`;
  const why = 'It is sent over plain HTTP too, where everybody on the way can read it.';
  return problem(
    fact,
    why,
    'Let the proxy set X-Forwarded-Proto, and give the server TRUST_PROXY=1, or the number of proxies.',
  );
}

function judgeTransport({ url, headers }: Visit): Finding[] {
  if (url.protocol !== 'https:' || headers['strict-transport-security'] !== undefined) return [];
  const why = 'A browser’s first request may then go over plain HTTP, where it can be answered by anybody.';
  return [
    problem(
      `${url.origin} sends no Strict-Transport-Security.`,
      why,
      'Run the server with --production, or NODE_ENV=production in .env.',
    ),
  ];
}

// Another port than the usual one has no such twin.
function plainTwin(url: URL): URL | undefined {
  return url.protocol === 'https:' && url.port === '' ? new URL(`http://${url.host}/`) : undefined;
}

/** What answers to plain HTTP at the same host must lead to HTTPS. */
export async function judgePlain(plain: URL | undefined): Promise<Finding[]> {
  if (!plain) return [];
  const answer = await visit(plain).catch(() => undefined);
  if (!answer) return [];
  const { location = '' } = answer.headers;
  const leads = URL.canParse(location, plain.href) && new URL(location, plain).protocol === 'https:';
  return leads ? [] : [noHttps(plain)];
}

function nameOf(line: string): string {
  return line.split('=')[0]?.trim() ?? '';
}
