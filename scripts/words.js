// Finds phrases that readers have to read twice (CONTRIBUTING.md, Wording), in every file that git knows:
// node scripts/words.js [path…] prints each one with its line and with what to write instead. Exit code 1: it found some.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const phrases = [
  { not: /(?<!\b(?:there|this) )\b(?:is|are|was|were) no\b(?! (?:longer|more|match)\b)/i, but: 'is not a …' },
  { not: /\banew\b/i, but: 'again, or a verb with re-: restarts, reconnects' },
  { not: /\bwhoever\b|\bwhosoever\b/i, but: 'the actor: the client, a request, another process' },
  { not: /(?:^|[.:;] |\/\*\* |\/\/ |# )Who (?!.*\?)/, but: 'the actor: the client, a request, another process' },
  { not: /(?:[.:;] |\/\*\* |\/\/ )What (?!.*\?)/, but: 'the thing itself: "the part that …"' },
  { not: /\b(?:the )?ones? that\b/i, but: 'the noun: "a file that …"' },
  { not: /(?<!(?:because|instead|out|ahead) )\bof it\b/i, but: 'its …' },
  { not: /as far as can be/i, but: 'looks, seems' },
  { not: /\bmade of chance\b/i, but: 'random' },
  { not: /\bsa(?:y|ys|id) of\b/i, but: '"says that …", "describes"' },
  { not: /\btell(?:s|ing)? of\b|\btold of\b/i, but: 'reports' },
  { not: /\blet \w+ be\b/i, but: '"if …", "set … to …"' },
  { not: /\bgoes by the\b/i, but: 'uses' },
  { not: /\bat present\b|\bup to now\b/i, but: 'now, so far' },
  { not: /\bin the midst\b/i, but: 'during' },
  { not: /answer/i, but: 'response, reply, or result' },
];

/** This list, its test, and files that others wrote. */
const skipped = [
  'scripts/words.js',
  'test/scripts/words.test.ts',
  'lock.json',
  'lockfile.json',
  'common-passwords.json',
];

/** Lines that say such a phrase for a reason: a file, and a part of the line. */
const allowed = [];

const listed = spawnSync('git', ['ls-files', '-z', '--', ...process.argv.slice(2)], { encoding: 'utf8' });
if (listed.status !== 0) throw new Error(listed.stderr);
const files = listed.stdout
  .split('\0')
  .filter((file) => /\.(?:[cm]?[jt]s|md|sh|fish|csh|nu|ps1|json|ya?ml|html|css)$/.test(file));
const found = files.filter((file) => !skipped.some((name) => file.endsWith(name))).flatMap(phrasesIn);

for (const line of found) console.error(line);
if (found.length > 0) {
  console.error(`${found.length} phrases to say more plainly.`);
  process.exitCode = 1;
}

function phrasesIn(file) {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line, index) =>
    phrases
      .filter(({ not }) => not.test(line) && !isAllowed(file, line))
      .map(({ not, but }) => `${file}:${index + 1}: '${line.match(not)[0].trim()}' -> ${but}`),
  );
}

function isAllowed(file, line) {
  return allowed.some((entry) => entry.file === file && line.includes(entry.text));
}
