import type { System } from '../../../system.ts';
import { type Check, type Finding, note, ok, problem, type Subject } from '../check.ts';
import { isLoopback } from '../loopback.ts';
import { setVariable } from '../set-variable.ts';

/** How the server is set up to be reached. */
interface Setup {
  production: boolean;
  /** Undefined where TRUST_PROXY is no number. */
  hops: number | undefined;
  /** What the user said the address is. */
  protocol: string | undefined;
  isOpen: boolean;
}

interface Rule {
  applies(setup: Setup): boolean;
  find(subject: Subject, system: System): Promise<Finding>;
}

/** Does the cookie that the server sets fit the way that it is reached? The first rule that applies is told. */
export const cookie: Check = {
  name: 'cookie',
  async examine(subject, system) {
    const setup = readSetup(subject);
    const rule = rules.find(({ applies }) => applies(setup));
    if (rule) return [await rule.find(subject, system)];
    const name = subject.marker?.cookie ?? '<name>';
    return [
      ok(
        setup.production
          ? `Over HTTPS it is __Host-${name}, Secure.`
          : `Over plain HTTP it is ${name}; over HTTPS __Host-${name}, Secure.`,
      ),
    ];
  },
};

function readSetup({ settings, url }: Subject): Setup {
  const { NODE_ENV, TRUST_PROXY = '0', HOST = 'localhost' } = settings;
  return {
    production: NODE_ENV === 'production',
    hops: /^\d+$/.test(TRUST_PROXY) ? Number(TRUST_PROXY) : undefined,
    protocol: url && !isLoopback(url.hostname) ? url.protocol : url?.protocol === 'https:' ? 'https:' : undefined,
    isOpen: !isLoopback(HOST),
  };
}

const whyProxy =
  'The server speaks plain HTTP; HTTPS ends in a proxy, whose word for it counts once TRUST_PROXY says how many there are.';

const rules: Rule[] = [
  {
    applies: ({ hops }) => hops === undefined,
    find: async (subject, system) =>
      problem(
        'TRUST_PROXY is no number.',
        'The server does not start.',
        await setVariable(subject, system, 'TRUST_PROXY', 1),
      ),
  },
  {
    applies: ({ production, protocol }) => production && protocol === 'http:',
    find: async () =>
      problem(
        'NODE_ENV is production, and the address is plain HTTP.',
        'In production a session is set over HTTPS only: nobody can log in.',
        'Put a proxy that speaks HTTPS in front of the server, and visit that.',
      ),
  },
  {
    applies: ({ production, hops }) => production && hops === 0,
    find: async (subject, system) =>
      problem(
        'NODE_ENV is production, and TRUST_PROXY is not set: no session can be set.',
        whyProxy,
        `Then start the server anew. ${await setVariable(subject, system, 'TRUST_PROXY', 1)}`,
      ),
  },
  {
    applies: ({ protocol, hops }) => protocol === 'https:' && hops === 0,
    find: async (subject, system) =>
      problem(
        'The address is HTTPS, and TRUST_PROXY is not set: the cookie is not Secure.',
        whyProxy,
        `Then start the server anew. ${await setVariable(subject, system, 'TRUST_PROXY', 1)}`,
      ),
  },
  {
    applies: ({ protocol, production }) => protocol === 'https:' && !production,
    find: async (subject, system) =>
      note(
        'The address is HTTPS, and NODE_ENV is not production, unless serve gets --production.',
        'Errors are shown with their stack, sessions are also set over plain HTTP, and there is no Strict-Transport-Security.',
        await setVariable(subject, system, 'NODE_ENV', 'production'),
      ),
  },
  {
    applies: ({ protocol, isOpen, production }) =>
      !production && (protocol === 'http:' || (isOpen && protocol === undefined)),
    find: async (subject, system) =>
      note(
        'The server is reached over plain HTTP from other machines.',
        'Everybody on the way can read the session cookie and use it.',
        `For more than a try-out, put a proxy that speaks HTTPS in front of it. ${await setVariable(subject, system, 'TRUST_PROXY', 1)}`,
      ),
  },
  {
    applies: ({ hops = 0, isOpen }) => hops > 0 && isOpen,
    find: async (subject, system) =>
      note(
        'TRUST_PROXY is set, and the server listens for other machines too.',
        'Who reaches it past the proxy can claim any address, and HTTPS, in X-Forwarded-*.',
        `Where the proxy is on this machine: ${await setVariable(subject, system, 'HOST', 'localhost')}`,
      ),
  },
];
