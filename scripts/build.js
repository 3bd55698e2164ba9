// Builds dist/: the tool from src/ with tsc, and the templates, each TypeScript file with its JavaScript beside it.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripTypes } from './strip-types.js';

const root = join(import.meta.dirname, '..');
const target = join(root, 'dist');
const staging = `${target}.${process.pid}`;

try {
  // `npm test` checks the types; whoever installs a checkout need not wait for that.
  run('tsc', ['-p', 'tsconfig.build.json', '--outDir', staging, '--noCheck']);
  buildTemplates(join(staging, 'templates'));
  // A tool that runs meanwhile sees the old build or the new one.
  if (existsSync(target)) renameSync(target, `${staging}.old`);
  renameSync(staging, target);
  linkTool(join(root, 'node_modules', '.bin', 'sessapp'));
} finally {
  for (const path of [staging, `${staging}.old`]) rmSync(path, { recursive: true, force: true });
}

// With a link here npx runs this checkout at once; without one it first installs it into its cache.
function linkTool(link) {
  rmSync(link, { force: true });
  symlinkSync(join('..', '..', 'bin', 'sessapp.js'), link);
}

function buildTemplates(output) {
  cpSync(join(root, 'templates'), output, { recursive: true });
  const sources = readdirSync(output, { recursive: true }).filter((file) => file.endsWith('.ts'));
  const written = sources.map((file) => writeJavaScript(join(output, file))).filter((path) => path !== undefined);
  run('biome', ['format', '--write', '--vcs-enabled=false', ...written]);
}

// A file of types alone has no JavaScript.
function writeJavaScript(source) {
  const stripped = stripTypes(readFileSync(source, 'utf8'));
  if (stripped.trim() === '') return undefined;
  const path = source.replace(/\.ts$/, '.js');
  writeFileSync(path, stripped);
  return path;
}

function run(tool, args) {
  const file = join(root, 'node_modules', '.bin', tool);
  execFileSync(file, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
}
