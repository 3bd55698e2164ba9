import { allMajors, majors } from './setup/node-versions.js';

/**
 * The goals. Each compares one figure of two rows of a run, which are named by their ids. `atMost` and `atLeast` limit the
 * ratio of the first row to the second; without a limit, the ratio is only reported.
 */
export const goals = [
  ...perNode((major) => ({
    part: 'reads',
    what: `session read, CPU per request, Node ${major}`,
    rows: [`sessapp@${major}`, `fastify-memory@${major}`],
    figure: 'cpuMicros',
    atMost: 1,
  })),
  ...perNode((major) => ({
    part: 'reads',
    what: `session read, CPU per request, Node ${major}`,
    rows: [`sessapp@${major}`, `express-redis@${major}`],
    figure: 'cpuMicros',
    atMost: major === 20 ? 0.5 : 0.75,
  })),
  ...perNode((major) => ({
    part: 'reads',
    what: `session reads per second, Node ${major}`,
    rows: [`sessapp@${major}`, 'flask'],
    figure: 'requestsPerSecond',
    atLeast: 3,
  })),
  ...perNode((major) => ({
    part: 'writes',
    what: `session write, CPU per request, Node ${major}`,
    rows: [`sessapp@${major}`, `express-redis@${major}`],
    figure: 'cpuMicros',
    atMost: 0.75,
  })),
  ...perNode((major) => ({
    part: 'writes',
    what: `session write, CPU per request, Node ${major}`,
    rows: [`sessapp@${major}`, `express-file@${major}`],
    figure: 'cpuMicros',
    atMost: 0.1,
  })),
  ...perNode((major) => ({
    part: 'new',
    what: `new session, CPU per request, Node ${major}`,
    rows: [`sessapp@${major}`, `express-memory@${major}`],
    figure: 'cpuMicros',
    atMost: 1,
  })),
  ...allMajors.flatMap((major) => ['read', 'write', 'new'].flatMap((load) => existing(major, load))),
  ...inSeconds('init', '`init`, dependencies seen before', 'seen', { 'npm-ci': 0.15, virtualenv: 0.75 }),
  ...inSeconds('init', '`init`, first ever', 'first', { 'npm-ci': 1.1 }),
  ...inSeconds('cli', '`sessapp --version`', 'version', { node: 1.2 }),
  ...inSeconds('cli', '`sessapp info`', 'info', { node: 1.5 }),
  ...inSeconds('start', '`serve` to the first response', 'serve', { plain: 1.25 }),
  ...inSeconds('start', '`node server.js` to the first response', 'plain', { hello: 2 }),
  {
    part: 'million',
    what: 'reads with 1,000,000 sessions in the store, CPU per request',
    rows: ['many', 'few'],
    figure: 'cpuMicros',
    atMost: 1.2,
  },
  {
    part: 'million',
    what: 'the same, memory of the server, including the pages of the store file that it read',
    rows: ['many', 'few'],
    figure: 'rssBytes',
    atMost: 1.2,
  },
  {
    part: 'million',
    what: 'the same, memory of the server, without these pages',
    rows: ['many', 'few'],
    figure: 'ownBytes',
    atMost: 1.2,
  },
  {
    part: 'prune',
    what: 'requests while 500,000 expired sessions are pruned, p99',
    rows: ['pruning', 'quiet'],
    figure: 'p99Ms',
    atMost: 2,
  },
  {
    part: 'workers',
    what: 'reads per second, two workers, load and server on the same two cores',
    rows: ['two read', 'one read'],
    figure: 'requestsPerSecond',
  },
  {
    part: 'workers',
    what: 'writes per second, two workers, load and server on the same two cores',
    rows: ['two write', 'one write'],
    figure: 'requestsPerSecond',
  },
];

function perNode(toGoal) {
  return majors.map(toGoal);
}

function existing(major, load) {
  const goal = (ours, theirs, atMost) => ({
    part: 'existing',
    what: `existing application, ${load}, CPU per request, Node ${major}`,
    rows: [`${ours}@${major} ${load}`, `${theirs}@${major} ${load}`],
    figure: 'cpuMicros',
    atMost,
  });
  const sameStore = ['memory', 'redis', 'postgres'].map((store) => goal(`changed-${store}`, `express-${store}`, 1));
  return [...sameStore, goal('changed-redis-driver', 'express-redis', 0.75)];
}

function inSeconds(part, what, row, limits) {
  return Object.entries(limits).map(([against, atMost]) => ({
    part,
    what,
    rows: [row, against],
    figure: 'seconds',
    atMost,
  }));
}
