// Makes templates/lockfiles/: one for each template, store and language, from what their layers ask for.
// With --check: fails when a lockfile no longer fits its layers.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { languages } from '../dist/environment/marker.js';
import { listStores, listTemplates, readLayers } from '../dist/scaffold/layers.js';
import { mergePackages } from '../dist/scaffold/plan.js';

const folder = join(import.meta.dirname, '..', 'templates', 'lockfiles');
const check = process.argv.includes('--check');

for (const template of await listTemplates()) {
  for (const store of await listStores()) {
    for (const language of languages) {
      const choice = { template, store, language };
      const layers = await readLayers(choice);
      const fragments = layers.map((layer) => layer.package);
      const manifest = mergePackages('environment', choice, fragments);
      const path = join(folder, `${template}-${store}-${language}.json`);
      if (check) verify(path, manifest);
      else writeFileSync(path, makeLockfile(manifest));
    }
  }
}

function makeLockfile(manifest) {
  const directory = mkdtempSync(join(tmpdir(), 'sessapp-lockfile-'));
  try {
    writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest));
    const flags = [
      '--package-lock-only',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--omit-lockfile-registry-resolved',
    ];
    execFileSync('npm', ['install', ...flags], { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] });
    return readFileSync(join(directory, 'package-lock.json'), 'utf8');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function verify(path, manifest) {
  const content = readFileSync(path, 'utf8');
  const root = JSON.parse(content).packages[''];
  for (const field of ['dependencies', 'devDependencies', 'engines']) {
    if (JSON.stringify(root[field] ?? {}) === JSON.stringify(manifest[field] ?? {})) continue;
    throw new Error(`${path} is stale (${field}): npm run lockfiles`);
  }
  if (content.includes('"resolved"')) throw new Error(`${path} holds an address of a registry`);
}
