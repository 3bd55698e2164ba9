import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../errors.ts';
import { listNames } from '../../files.ts';
import { markerName } from '../../settings/marker.ts';
import type { System } from '../../system.ts';
import { commandLine } from '../shells/shells.ts';

const most = 3;

/**
 * When no environment was found, adds to the hint the command lines for environments in subdirectories of the working
 * directory.
 * @param command one of `listCommands`
 */
export async function suggestNearby(system: System, command: string, error: unknown): Promise<void> {
  if (!(error instanceof UserError) || !['no-environment', 'not-an-environment'].includes(error.code)) return;
  // An environment that `init` is making, and an environment that was set aside, is not finished.
  const isFinished = (name: string): boolean => !name.startsWith('.sessapp-');
  const below = (await listNames(system.cwd)).filter(
    (name) => isFinished(name) && existsSync(join(system.cwd, name, markerName)),
  );
  const lines = below.sort().map((name) => commandLine(system, join(system.cwd, name), command));
  if (lines.length === 0) return;
  const shown = await Promise.all(lines.slice(0, most));
  error.hint = `${error.hint}\nDid you mean ${shown.join(', or ')}?`;
}
