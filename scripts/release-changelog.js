// `npm version <version>` runs this script first. It moves the entries under "Unreleased" in CHANGELOG.md under a heading
// with the version and today's date.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const path = join(import.meta.dirname, '..', 'CHANGELOG.md');
const heading = '## Unreleased\n';
const { npm_new_version: version } = process.env;
const changelog = readFileSync(path, 'utf8');
const [before, entries = ''] = changelog.split(heading);

if (!version) {
  console.error('This script is a part of npm version. Type: npm version <version>');
  process.exitCode = 2;
} else if (/^\s*(?:## |$)/.test(entries)) {
  console.error(
    'CHANGELOG.md has no entry under "Unreleased". Describe the changes, commit them, then repeat the command.',
  );
  process.exitCode = 1;
} else {
  const today = new Date().toISOString().slice(0, 10);
  writeFileSync(path, `${before}${heading}\n## ${version} - ${today}\n${entries}`);
}
