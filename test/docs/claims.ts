/** Where a block is: the page, the last heading above it, and its place under that heading. */
interface Place {
  page: string;
  heading: string;
  nth: number;
}

/**
 * The test file that runs all blocks of a page. Or, for each heading, the test file of its blocks, in order; `*` is every
 * other heading.
 */
type Claim = string | Record<string, string | string[]>;

const pages = 'test/docs/pages.test.ts';
const library = 'test/docs/library.test.ts';
const syntax = 'test/docs/syntax.test.ts';
const uninstall = 'test/docs/uninstall.test.ts';
const json = 'test/cli/json.test.ts';
const readme = 'test/readme.test.ts';
const clone = 'test/slow/fresh-clone.test.ts';
const commands = 'test/slow/docs-commands.test.ts';
const slowUninstall = 'test/slow/docs-uninstall.test.ts';
const stores = 'test/slow/docs-stores.test.ts';

/** The test files that run the blocks of each page. */
const claims: Record<string, Claim> = {
  'README.md': {
    sessapp: [clone, syntax],
    'Start with a new environment': [clone, pages],
    'Use it in an application you have': pages,
  },
  'README.ko.md': {
    sessapp: readme,
    '새 환경으로 시작하기': [readme, pages],
    '이미 있는 애플리케이션에서 쓰기': pages,
  },
  'docs/accounts.md': commands,
  'docs/adopt.md': 'test/slow/ecosystem-adopt.test.ts',
  'docs/ci.md': clone,
  'docs/dashboard.md': pages,
  'docs/deploy.md': commands,
  'docs/environments.md': pages,
  'docs/first-login.md': 'test/slow/docs-first-login.test.ts',
  'docs/json.md': {
    'sessions list': [json, json, pages],
    upgrade: 'test/slow/upgrade-command.test.ts',
    '*': json,
  },
  'docs/library.md': {
    Install: [syntax, library],
    Stores: library,
    'An express-session store': library,
    'The sessions of a user': library,
    'Counters and lists': library,
    TypeScript: [syntax, library],
    CommonJS: library,
    WebSockets: library,
  },
  'docs/metrics.md': pages,
  'docs/postgres.md': stores,
  'docs/redis.md': stores,
  'docs/server.md': {
    'Customize the server': pages,
    Pages: pages,
    'Data of your own': pages,
    WebSockets: commands,
  },
  'docs/store.md': stores,
  'docs/testing.md': 'test/docs/testing.test.ts',
  'docs/troubleshooting.md': {
    '503 Sessions are not available': 'test/slow/docs-troubleshooting.test.ts',
    '*': 'test/slow/docs-symptoms.test.ts',
  },
  'docs/uninstall.md': {
    'An environment': uninstall,
    'Its sessions in Redis or PostgreSQL': [uninstall, stores, stores],
    'The snapshots': uninstall,
    'The list of environments': uninstall,
    'The command': slowUninstall,
    'The library in an application': slowUninstall,
  },
  'docs/upgrade.md': 'test/slow/docs-upgrade.test.ts',
};

/** The test file that must run a block; undefined when there is none. */
export function claimOf({ page, heading, nth }: Place): string | undefined {
  const claim = claims[page];
  const files = typeof claim === 'object' ? (claim[heading] ?? claim['*']) : claim;
  return Array.isArray(files) ? files[nth] : files;
}
