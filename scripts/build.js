// Builds dist/: the library from src/ with tsc, file by file and with its types; the command as one bundle with the
// packages that only it needs; and the templates, each TypeScript file with its JavaScript beside it.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { rolldown } from 'rolldown';
import { stripTypes } from './strip-types.js';

const root = join(import.meta.dirname, '..');
const source = join(root, 'src');
const command = join(source, 'cli');
const target = join(root, 'dist');
const staging = `${target}.${process.pid}`;

try {
  // `npm test` checks the types; installing a checkout need not wait for that.
  run('tsc', ['-p', 'tsconfig.build.json', '--outDir', staging, '--noCheck']);
  for (const file of ['.sql', '.css', '.js', '.d.cts'].flatMap((extension) => listFiles(source, extension)))
    if (!file.startsWith('cli')) cpSync(join(source, file), join(staging, file));
  removeInnerTypes();
  await bundleCommand(join(staging, 'cli'));
  await bundlePage(join(command, 'dashboard', 'page'), join(staging, 'cli', 'dashboard'));
  buildTemplates(join(staging, 'templates'));
  writeFileSync(join(staging, 'build-id'), hashFiles());
  // A command that runs meanwhile sees the old build or the new one.
  if (existsSync(target)) renameSync(target, `${staging}.old`);
  renameSync(staging, target);
  linkCommand(join(root, 'node_modules', '.bin', 'sessapp'));
} finally {
  for (const path of [staging, `${staging}.old`]) rmSync(path, { recursive: true, force: true });
}

/** Leaves the type declarations that the public entries lead to: nobody can import what the others describe. */
function removeInnerTypes() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const entries = Object.values(exports).flatMap(typesOf);
  const kept = new Set(entries.map((path) => join(staging, relative('dist', path))));
  for (const file of kept) {
    const imported = [...readFileSync(file, 'utf8').matchAll(/(?:from |import\(|^import )['"](\.[^'"]+)['"]/gm)];
    for (const [, path] of imported) kept.add(join(dirname(file), path.replace(/\.[jt]s$/, '.d.ts')));
  }
  for (const file of listFiles(staging, '.d.ts')) if (!kept.has(join(staging, file))) rmSync(join(staging, file));
}

/** The type declarations of an entry, for each condition that it has. */
function typesOf(entry) {
  if (typeof entry === 'string') return [];
  return 'types' in entry ? [entry.types] : Object.values(entry).flatMap(typesOf);
}

/** The command's own modules and packages in one folder; what it shares with the library stays there. */
async function bundleCommand(directory) {
  const input = {
    main: join(command, 'main.ts'),
    'end-with-parent': join(command, 'scaffold', 'end-with-parent.ts'),
    'open-probe': join(command, 'admin', 'open-probe.ts'),
  };
  const bundle = await rolldown({
    input,
    platform: 'node',
    external: isProvided,
    plugins: [{ name: 'library', resolveId }],
  });
  await bundle.write({
    dir: directory,
    format: 'esm',
    chunkFileNames: '[name]-[hash].js',
    hashCharacters: 'hex',
    comments: { legal: true, jsdoc: false },
    // Names stay, for the stack of a bug.
    minify: { mangle: false, compress: false, codegen: { removeWhitespace: true } },
  });
  await bundle.close();
}

/** What the browser loads of the dashboard: its modules as one file, and the rest as it is. */
async function bundlePage(from, directory) {
  const bundle = await rolldown({ input: join(from, 'page.js'), platform: 'browser' });
  await bundle.write({ dir: directory, format: 'esm', minify: true });
  await bundle.close();
  cpSync(from, directory, { recursive: true, filter: (file) => !file.endsWith('.js') });
}

/** Names what is built, so that two copies of the package can be told apart. */
function hashFiles() {
  const hash = createHash('sha256');
  const paths = [...list(staging), ...list(join(root, 'bin')), join(root, 'package.json')];
  for (const path of paths) hash.update(relative(root, path).replace(/^dist[^/]*/, 'dist')).update(readFileSync(path));
  return hash.digest('hex').slice(0, 16);

  function list(directory) {
    const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
  }
}

function isProvided(id) {
  return id.startsWith('node:') || builtinModules.includes(id);
}

function resolveId(id, importer) {
  if (!importer?.startsWith(source) || !id.startsWith('.')) return undefined;
  const path = join(dirname(importer), id);
  const isLibrary = !path.startsWith(command) && path !== join(source, 'system.ts');
  return isLibrary ? { id: `../${relative(source, path).replace(/\.ts$/, '.js')}`, external: true } : undefined;
}

// With a link here npx runs this checkout at once; without one it first installs it into its cache.
function linkCommand(link) {
  rmSync(link, { force: true });
  symlinkSync(join('..', '..', 'bin', 'sessapp.js'), link);
}

function buildTemplates(output) {
  cpSync(join(root, 'templates'), output, { recursive: true });
  const written = listFiles(output, '.ts').map((file) => writeJavaScript(join(output, file)));
  run('biome', ['format', '--write', '--vcs-enabled=false', ...written]);
}

function writeJavaScript(path) {
  const stripped = path.replace(/\.ts$/, '.js');
  writeFileSync(stripped, stripTypes(readFileSync(path, 'utf8')));
  return stripped;
}

function listFiles(directory, extension) {
  return readdirSync(directory, { recursive: true }).filter((file) => file.endsWith(extension));
}

function run(tool, args) {
  const file = join(root, 'node_modules', '.bin', tool);
  execFileSync(file, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
}
