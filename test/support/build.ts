import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** An environment made by `init`. Tests copy it. */
    environment: string;
  }
}

const root = join(import.meta.dirname, '..', '..');

/** Builds the command from the current sources before the tests. */
export default function build({ provide }: TestProject): () => void {
  const node = (...args: string[]): Buffer =>
    execFileSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const directory = mkdtempSync(join(tmpdir(), 'sessapp-test-environment-'));
  const environment = join(directory, 'myenv');
  // Test workers and their child processes inherit these variables: no test uses the user's snapshots or list.
  process.env.SESSAPP_CACHE_DIR = join(directory, 'cache');
  process.env.SESSAPP_STATE_DIR = join(directory, 'state');
  node(join(root, 'scripts', 'build.js'));
  node(join(root, 'bin', 'sessapp.js'), 'init', environment);
  provide('environment', environment);
  return () => rmSync(directory, { recursive: true, force: true });
}
