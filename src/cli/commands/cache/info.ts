import { renderCount, renderSize } from '../../amounts.ts';
import type { Command } from '../../command.ts';
import { refuseDirectory } from '../../private-directory.ts';
import { cacheDirectory } from '../../scaffold/snapshots/cache-directory.ts';
import { Snapshots } from '../../scaffold/snapshots/snapshots.ts';

export const command: Command = {
  summary: 'say where snapshots are, and what they take',
  examples: ['sessapp cache info'],
  async run(_input, { system, output }) {
    const directory = cacheDirectory(system);
    const refusal = await refuseDirectory(directory);
    const snapshots = refusal === undefined ? await new Snapshots(directory).list() : [];
    const bytes = snapshots.reduce((sum, snapshot) => sum + snapshot.bytes, 0);
    const rows = snapshots.map(
      ({ key, bytes: size, usedAtMs }) =>
        `  ${key.slice(0, 8)}  ${renderSize(size).padStart(8)}  used ${new Date(usedAtMs).toISOString()}`,
    );
    const text = [
      output.style.bold(directory),
      ...(refusal === undefined ? [] : [`  is not used: ${refusal}`]),
      `  ${renderCount(snapshots.length, 'snapshot')}, ${renderSize(bytes)}`,
      ...rows,
    ];
    const shown = snapshots.map(({ key, bytes: size, usedAtMs }) => ({
      key,
      bytes: size,
      usedAt: new Date(usedAtMs).toISOString(),
    }));
    return { data: { directory, refusal: refusal ?? null, bytes, snapshots: shown }, text: text.join('\n') };
  },
};
