import { UserError } from '../../../errors.ts';
import { renderCount, renderSize } from '../../amounts.ts';
import type { Command } from '../../command.ts';
import { refuseDirectory } from '../../private-directory.ts';
import { cacheDirectory } from '../../scaffold/snapshots/cache-directory.ts';
import { Snapshots } from '../../scaffold/snapshots/snapshots.ts';

export const command: Command = {
  summary: 'remove all snapshots; environments stay as they are',
  examples: ['sessapp cache clean'],
  async run(_input, { system }) {
    const directory = cacheDirectory(system);
    const refusal = await refuseDirectory(directory);
    if (refusal !== undefined) {
      const remedy = 'Set SESSAPP_CACHE_DIR to a directory that is yours alone.';
      throw new UserError('cache-refused', `${directory} is not used: ${refusal}.`, remedy);
    }
    const snapshots = new Snapshots(directory);
    const found = await snapshots.list();
    await snapshots.clean();
    const bytes = found.reduce((sum, snapshot) => sum + snapshot.bytes, 0);
    return {
      data: { status: 'cleaned', snapshots: found.length, bytes },
      text: `Removed ${renderCount(found.length, 'snapshot')} (${renderSize(bytes)}).`,
    };
  },
};
