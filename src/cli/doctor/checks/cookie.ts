import { type Check, note, ok, problem, type Subject } from '../check.ts';
import { setVariable } from '../remedies.ts';
import { isLoopback } from '../subject.ts';

/** How the server is set up to be reached. */
interface Setup {
  production: boolean;
  /** Undefined where TRUST_PROXY is not a number. */
  hops: number | undefined;
  /** What the user said the address is. */
  protocol: string | undefined;
  isOpen: boolean;
}

interface Rule {
  applies(setup: Setup): boolean;
  level: typeof note | typeof problem;
  fact: string;
  why: string;
  advice?: string;
  /** The variable that mends it. */
  set?: [name: string, value: string | number];
}

/** Does the cookie that the server sets fit the way that it is reached? The first rule that applies is told. */
export const cookie: Check = {
  name: 'cookie',
  async examine(subject, system) {
    const setup = readSetup(subject);
    const rule = rules.find(({ applies }) => applies(setup));
    if (!rule) return [ok(describe(setup, subject.marker?.cookie ?? '<name>'))];
    const { level, fact, why, advice, set } = rule;
    const mend = set ? await setVariable(subject, system, ...set) : [];
    return [level(fact, why, ...(advice === undefined ? [] : [advice]), ...mend)];
  },
};

function readSetup({ settings, url }: Subject): Setup {
  const { NODE_ENV, TRUST_PROXY = '0', HOST = 'localhost' } = settings;
  const isLocal = url !== undefined && isLoopback(url.hostname);
  return {
    production: NODE_ENV === 'production',
    hops: /^\d+$/.test(TRUST_PROXY) ? Number(TRUST_PROXY) : undefined,
    // Plain HTTP on this machine says nothing of how others reach the server.
    protocol: isLocal && url.protocol === 'http:' ? undefined : url?.protocol,
    isOpen: !isLoopback(HOST),
  };
}

function describe({ production }: Setup, name: string): string {
  const secure = `__Host-${name}, Secure.`;
  return production ? `Over HTTPS it is ${secure}` : `Over plain HTTP it is ${name}; over HTTPS ${secure}`;
}

const whyProxy =
  'The server speaks plain HTTP; HTTPS ends in a proxy, whose word for it counts once TRUST_PROXY says how many there are.';

const rules: Rule[] = [
  {
    applies: ({ hops }) => hops === undefined,
    level: problem,
    fact: 'TRUST_PROXY is no number.',
    why: 'The server does not start.',
    set: ['TRUST_PROXY', 1],
  },
  {
    applies: ({ production, protocol }) => production && protocol === 'http:',
    level: problem,
    fact: 'NODE_ENV is production, and the address is plain HTTP.',
    why: 'In production a session is set over HTTPS only: nobody can log in.',
    advice: 'Put a proxy that speaks HTTPS in front of the server, and visit that.',
  },
  {
    applies: ({ production, hops }) => production && hops === 0,
    level: problem,
    fact: 'NODE_ENV is production, and TRUST_PROXY is not set: no session can be set.',
    why: whyProxy,
    advice: 'Then restart the server.',
    set: ['TRUST_PROXY', 1],
  },
  {
    applies: ({ protocol, hops }) => protocol === 'https:' && hops === 0,
    level: problem,
    fact: 'The address is HTTPS, and TRUST_PROXY is not set: the cookie is not Secure.',
    why: whyProxy,
    advice: 'Then restart the server.',
    set: ['TRUST_PROXY', 1],
  },
  {
    applies: ({ protocol, production }) => protocol === 'https:' && !production,
    level: note,
    fact: 'The address is HTTPS, and NODE_ENV is not production, unless serve gets --production.',
    why: 'Errors are shown with their stack, sessions are also set over plain HTTP, and there is no Strict-Transport-Security.',
    set: ['NODE_ENV', 'production'],
  },
  {
    applies: ({ protocol, isOpen, production }) =>
      !production && (protocol === 'http:' || (isOpen && protocol === undefined)),
    level: note,
    fact: 'The server is reached over plain HTTP from other machines.',
    why: 'Everybody on the way can read the session cookie and use it.',
    advice: 'For more than a try-out, put a proxy that speaks HTTPS in front of it.',
    set: ['TRUST_PROXY', 1],
  },
  {
    applies: ({ hops = 0, isOpen }) => hops > 0 && isOpen,
    level: note,
    fact: 'TRUST_PROXY is set, and the server listens for other machines too.',
    why: 'Who reaches it past the proxy can claim any address, and HTTPS, in X-Forwarded-*.',
    advice: 'Where the proxy is on this machine:',
    set: ['HOST', 'localhost'],
  },
];
