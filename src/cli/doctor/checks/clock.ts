import { randomUUID } from 'node:crypto';
import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { markerName } from '../../../settings/marker.ts';
import { hasCode } from '../../../errors.ts';
import type { System } from '../../../system.ts';
import { type Check, ok, problem } from '../check.ts';
import { dataPlace } from '../data-place.ts';
import { refuseToWrite } from '../owner.ts';

const toleratedMs = 10_000;

/** Does this clock agree with that of the disk, and is it later than the making of the environment? */
export const clock: Check = {
  name: 'clock',
  async examine({ directory }, system) {
    const refused = await refuseToWrite(system, directory);
    if (refused) return [refused];
    const [madeMs, aheadMs] = [await madeAt(directory), await measure(await dataPlace(directory), system)];
    if (madeMs > system.now() + toleratedMs) {
      const fact = `It is ${iso(system.now())}, and ${markerName} was written at ${iso(madeMs)}.`;
      return [problem(fact, why, mend)];
    }
    if (Math.abs(aheadMs) <= toleratedMs) return [ok('It agrees with that of the disk.')];
    const seconds = Math.round(Math.abs(aheadMs) / 1000);
    const fact = `The clock of the disk is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} this one.`;
    return [problem(fact, why, mend)];
  },
};

const why = 'Sessions expire by the clock: too early, or too late, when it is wrong or machines do not agree.';
const mend =
  'Set the clock, on the machine that has it wrong, by a time server (on Linux with systemd: sudo timedatectl set-ntp true).';

async function madeAt(directory: string): Promise<number> {
  try {
    return (await stat(join(directory, markerName))).mtimeMs;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 0;
    throw error;
  }
}

/** How far the clock that stamps files is ahead. */
async function measure(place: string, system: System): Promise<number> {
  const path = join(place, `.sessapp-doctor-${randomUUID()}`);
  const beforeMs = system.now();
  try {
    await writeFile(path, '', { mode: 0o600 });
    const { mtimeMs } = await stat(path);
    if (mtimeMs < beforeMs) return mtimeMs - beforeMs;
    return Math.max(0, mtimeMs - system.now());
  } finally {
    await rm(path, { force: true });
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
