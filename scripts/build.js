// Builds dist/. tsc compiles the library from src/, file by file, with type declarations. The command becomes one bundle,
// with the packages that only it needs. Each TypeScript file of the templates gets a JavaScript file next to it.
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
  // --noCheck saves time when a checkout is installed. `npm test` checks the types.
  run('tsc', ['-p', 'tsconfig.build.json', '--outDir', staging, '--noCheck']);
  for (const file of ['.sql', '.css', '.js', '.d.cts'].flatMap((extension) => listFiles(source, extension)))
    if (!file.startsWith('cli')) cpSync(join(source, file), join(staging, file));
  removeInnerTypes();
  await bundleCommand(join(staging, 'cli'));
  await bundlePage(join(command, 'dashboard', 'page'), join(staging, 'cli', 'dashboard'));
  buildTemplates(join(staging, 'templates'));
  writeFileSync(join(staging, 'build-id'), hashFiles());
  // Two renames, so that a command that starts meanwhile hardly ever finds a missing or incomplete build.
  if (existsSync(target)) renameSync(target, `${staging}.old`);
  renameSync(staging, target);
  linkCommand(join(root, 'node_modules', '.bin', 'sessapp'));
} finally {
  for (const path of [staging, `${staging}.old`]) rmSync(path, { recursive: true, force: true });
}

/** Removes the type declarations that no public entry refers to: nobody can import the other modules. */
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

/** The type declarations of an entry, for each of its conditions. */
function typesOf(entry) {
  if (typeof entry === 'string') return [];
  return 'types' in entry ? [entry.types] : Object.values(entry).flatMap(typesOf);
}

/** Bundles the command's own modules and packages into one folder. Modules of the library are imported from there. */
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
    // Keep the names, for readable stacks.
    minify: { mangle: false, compress: false, codegen: { removeWhitespace: true } },
  });
  await bundle.close();
}

/** Bundles the modules of the dashboard's page into one file, and copies its other files. */
async function bundlePage(from, directory) {
  const bundle = await rolldown({ input: join(from, 'page.js'), platform: 'browser' });
  await bundle.write({ dir: directory, format: 'esm', minify: true });
  await bundle.close();
  cpSync(from, directory, { recursive: true, filter: (file) => !file.endsWith('.js') });
}

/** The build id, a hash of all files. It distinguishes two copies of the package. */
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

// With this link, npx runs this checkout directly. Without it, npx would first install it into its cache.
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
