import { isThere } from '../../../files.ts';
import { describeOrigin, findRunningServer, recordFile, type ServerRecord } from '../../control/server-record.ts';
import { readLock } from '../../environment/lock.ts';
import { type Check, note, ok } from '../check.ts';
import { typeOn } from '../remedies.ts';

/** Does the server run, and if not, did it leave a record that says so? */
export const server: Check = {
  name: 'server',
  async examine(subject) {
    const running = await findRunningServer(subject);
    if (running) {
      const origin = await describeOrigin(subject, running);
      return [ok(running.url === undefined ? `It is being started${origin}.` : `It runs at ${running.url}${origin}.`)];
    }
    const path = recordFile(subject);
    if (!(await isThere(path))) return [ok('It does not run.')];
    const record = await readLock<ServerRecord>(path);
    const who = record?.owner?.pid === undefined ? 'no process' : `process ${record.owner.pid}`;
    const fact = `${path} names ${who}, which is not its server any more.`;
    const why =
      'It ended without removing it, as when it is killed or stopped from outside. The next serve replaces it.';
    return [note(fact, why, typeOn(['rm', '-f'], path))];
  },
};
