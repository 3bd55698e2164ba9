// Creates templates/lockfile.json. It locks every package that a template, a store or a language can add to an environment.
// With --check, fails when the lockfile no longer matches the version ranges that it was created from.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const path = join(root, 'templates', 'lockfile.json');
const { dependencies, peerDependencies, overrides } = readJson(join(root, 'package.json'));
const { devDependencies } = readJson(join(root, 'templates', 'typescript', 'layer.json')).package;
const manifest = {
  name: 'everything',
  private: true,
  dependencies: { ...dependencies, ...peerDependencies },
  devDependencies,
  overrides,
};

if (process.argv.includes('--check')) verify();
else writeFileSync(path, makeLockfile());

function makeLockfile() {
  const directory = mkdtempSync(join(tmpdir(), 'sessapp-lockfile-'));
  try {
    writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest));
    const flags = ['--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund'];
    const args = ['install', ...flags, '--omit-lockfile-registry-resolved'];
    execFileSync('npm', args, { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] });
    return readFileSync(join(directory, 'package-lock.json'), 'utf8');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function verify() {
  const content = readFileSync(path, 'utf8');
  const locked = JSON.parse(content).packages[''];
  for (const field of ['dependencies', 'devDependencies']) {
    if (isSame(locked[field], manifest[field])) continue;
    throw new Error(`${path} is out of date (${field}). Type: npm run lockfiles`);
  }
  if (content.includes('"resolved"')) throw new Error(`${path} contains the URL of a registry`);
}

function isSame(a, b) {
  return JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}
