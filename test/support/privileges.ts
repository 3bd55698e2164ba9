import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { cli } from './sandbox.ts';

/** A user who owns no files here. */
export const stranger = { uid: 65_534, gid: 65_534 };
export const canActAsStranger = spawnSync(process.execPath, [cli, '--version'], { ...stranger, cwd: '/' }).status === 0;
/** The end of the title of a test that needs another user. */
export const onlyAsRoot = canActAsStranger ? '' : ' (skipped: needs root, and a checkout that other users can read)';

export const mountable = canMount();
/** The end of the title of a test that needs to mount. */
export const onlyWithMount = mountable ? '' : ' (skipped: needs the right to mount a file system)';

/** Mounts a tmpfs of this size (tmpfs(5)) until the test ends. */
export async function mountDisk(directory: string, size: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', directory]);
  if (status !== 0) throw new Error(`no disk could be mounted at ${directory}`);
  onTestFinished(() => void spawnSync('umount', [directory]));
}

/** Containers and ordinary users often cannot mount. */
function canMount(): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'sessapp-mount-'));
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', directory]).status === 0;
  if (isMounted) spawnSync('umount', [directory]);
  rmdirSync(directory);
  return isMounted;
}
