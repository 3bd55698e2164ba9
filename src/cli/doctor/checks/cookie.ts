import { type Check, note, ok, problem, type Subject } from '../check.ts';
import { setVariable } from '../remedies.ts';
import { isLoopback } from '../subject.ts';

/** The settings that decide how clients reach the server. */
interface Setup {
  production: boolean;
  /** The number of trusted proxies. Undefined when TRUST_PROXY is not a number. */
  hops: number | undefined;
  /** The protocol of `--url`. */
  protocol: string | undefined;
  /** The server listens on other addresses than loopback. */
  isOpen: boolean;
}

interface Rule {
  applies(setup: Setup): boolean;
  level: typeof note | typeof problem;
  fact: string;
  why: string;
  advice?: string;
  /** The variable that fixes it. */
  set?: [name: string, value: string | number];
}

/** Do the cookie settings fit the way that clients reach the server? Reports the first rule that applies. */
export const cookie: Check = {
  name: 'cookie',
  async examine(subject, system) {
    const setup = readSetup(subject);
    const rule = rules.find(({ applies }) => applies(setup));
    if (!rule) return [ok(describe(setup, subject.marker?.cookie ?? '<name>'))];
    const { level, fact, why, advice, set } = rule;
    const fix = set ? await setVariable(subject, system, ...set) : [];
    return [level(fact, why, ...(advice === undefined ? [] : [advice]), ...fix)];
  },
};

function readSetup({ settings, url }: Subject): Setup {
  const { NODE_ENV, TRUST_PROXY = '0', HOST = 'localhost' } = settings;
  const isLocal = url !== undefined && isLoopback(url.hostname);
  return {
    production: NODE_ENV === 'production',
    hops: /^\d+$/.test(TRUST_PROXY) ? Number(TRUST_PROXY) : undefined,
    // An http: address on loopback does not show how other machines reach the server.
    protocol: isLocal && url.protocol === 'http:' ? undefined : url?.protocol,
    isOpen: !isLoopback(HOST),
  };
}

function describe({ production }: Setup, name: string): string {
  const secure = `__Host-${name} (Secure)`;
  return production
    ? `Over HTTPS, the cookie is ${secure}.`
    : `Over plain HTTP, the cookie is ${name}. Over HTTPS, it is ${secure}.`;
}

const whyProxy =
  'HTTPS ends at the proxy. The server trusts the proxy’s X-Forwarded-Proto header only if TRUST_PROXY is the number of proxies.';

const rules: Rule[] = [
  {
    applies: ({ hops }) => hops === undefined,
    level: problem,
    fact: 'TRUST_PROXY is not a number.',
    why: 'The server does not start.',
    set: ['TRUST_PROXY', 1],
  },
  {
    applies: ({ production, protocol }) => production && protocol === 'http:',
    level: problem,
    fact: 'NODE_ENV is production, but the address is plain HTTP.',
    why: 'In production, the server sets the session cookie over HTTPS only. Nobody can log in.',
    advice: 'Put an HTTPS proxy in front of the server, and use its address.',
  },
  {
    applies: ({ production, hops }) => production && hops === 0,
    level: problem,
    fact: 'NODE_ENV is production, but TRUST_PROXY is not set: the server sets no session cookie.',
    why: whyProxy,
    advice: 'Set TRUST_PROXY to the number of proxies, then restart the server.',
    set: ['TRUST_PROXY', 1],
  },
  {
    applies: ({ protocol, hops }) => protocol === 'https:' && hops === 0,
    level: problem,
    fact: 'The address is HTTPS, but TRUST_PROXY is not set: the cookie is not Secure.',
    why: whyProxy,
    advice: 'Set TRUST_PROXY to the number of proxies, then restart the server.',
    set: ['TRUST_PROXY', 1],
  },
  {
    applies: ({ protocol, production }) => protocol === 'https:' && !production,
    level: note,
    fact: 'The address is HTTPS, but NODE_ENV is not production. Ignore this if you start the server with --production.',
    why: 'The server shows stack traces to clients, sets session cookies over plain HTTP too, and sends no Strict-Transport-Security.',
    set: ['NODE_ENV', 'production'],
  },
  {
    applies: ({ protocol, isOpen, production }) =>
      !production && (protocol === 'http:' || (isOpen && protocol === undefined)),
    level: note,
    fact: 'Other machines reach the server over plain HTTP.',
    why: 'Anyone on the network path can read the session cookie and use it.',
    advice: 'Unless this is only a test, put an HTTPS proxy in front of the server.',
    set: ['TRUST_PROXY', 1],
  },
  {
    applies: ({ hops = 0, isOpen }) => hops > 0 && isOpen,
    level: note,
    fact: 'TRUST_PROXY is set, but other machines can also reach the server without the proxy.',
    why: 'A client that bypasses the proxy can forge its address, and HTTPS, in X-Forwarded-*.',
    advice: 'If the proxy runs on this machine, listen on localhost only.',
    set: ['HOST', 'localhost'],
  },
];
