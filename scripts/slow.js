// Runs slow test suites: npm run slow -- <name>… [options of vitest]. Without a name, it lists the suites.
// The suite `serve` contains test/slow/serve.test.ts and every test/slow/serve-*.test.ts; `serve-drain` is only one file.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const ending = '.test.ts';
const files = readdirSync(join(root, 'test', 'slow')).filter((file) => file.endsWith(ending));
const suites = [...new Set(files.map((file) => file.slice(0, -ending.length).split('-')[0]))].sort();

const words = process.argv.slice(2);
const firstOption = words.findIndex((word) => word.startsWith('-'));
const names = firstOption === -1 ? words : words.slice(0, firstOption);
const options = words.slice(names.length);
const unknown = names.find((name) => filesOf(name).length === 0);

if (unknown !== undefined) {
  console.error(`'${unknown}' is not a slow suite. Suites: ${suites.join(', ')}`);
  process.exitCode = 2;
} else if (names.length === 0) {
  console.log(suites.join('\n'));
} else {
  process.exitCode = runVitest(names.flatMap(filesOf), options);
}

function filesOf(name) {
  return files.filter((file) => file === name + ending || file.startsWith(`${name}-`));
}

// Vitest treats a filter as part of a path, so pass full file names.
function runVitest(selected, more) {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const filters = selected.map((file) => `test/slow/${file}`);
  const args = [vitest, 'run', '--config', 'vitest.slow.config.ts', ...filters, ...more];
  return spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
}
