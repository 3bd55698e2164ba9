import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { cli } from './sandbox.ts';

/** A user who owns nothing here. */
export const stranger = { uid: 65_534, gid: 65_534 };
export const canActAsStranger = spawnSync(process.execPath, [cli, '--version'], { ...stranger, cwd: '/' }).status === 0;
/** For the title of a test that needs it. */
export const onlyAsRoot = canActAsStranger ? '' : ' (skipped: needs root, and a checkout that other users can read)';

export const mountable = canMount();
/** For the title of a test that needs it. */
export const onlyWithMount = mountable ? '' : ' (skipped: needs the right to mount a file system)';

/** Mounts a disk of this size, in the notation of tmpfs, until the test ends. */
export async function mountDisk(directory: string, size: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', directory]);
  if (status !== 0) throw new Error(`no disk could be mounted at ${directory}`);
  onTestFinished(() => void spawnSync('umount', [directory]));
}

/** Containers and ordinary users may often not mount. */
function canMount(): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'sessapp-mount-'));
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', directory]).status === 0;
  if (isMounted) spawnSync('umount', [directory]);
  rmdirSync(directory);
  return isMounted;
}
