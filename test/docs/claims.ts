/** Where a block is: the page, the last heading above it, and its place under that heading. */
interface Place {
  page: string;
  heading: string;
  nth: number;
}

/** The test file that runs all blocks of a page; or, for a heading, those of its blocks, one after the other. */
type Claim = string | Record<string, string | string[]>;

const troubleshooting = 'test/docs/troubleshooting.test.ts';
const library = 'test/docs/library.test.ts';

/** What runs the blocks of each page. */
export const claims: Record<string, Claim> = {
  'docs/first-login.md': 'test/slow/docs-first-login.test.ts',
  'docs/library.md': {
    Install: ['test/docs/syntax.test.ts', library],
    Stores: library,
    'An express-session store': library,
    'The sessions of a user': library,
    'Counters and lists': library,
    TypeScript: ['test/docs/syntax.test.ts', library],
    CommonJS: library,
    WebSockets: library,
  },
  'docs/testing.md': 'test/docs/testing.test.ts',
};

/** The test file that is to run a block; undefined when there is none. */
export function claimOf({ page, heading, nth }: Place): string | undefined {
  const claim = claims[page];
  const files = typeof claim === 'object' ? claim[heading] : claim;
  return Array.isArray(files) ? files[nth] : files;
}
