import { isThere } from '../../../files.ts';
import { describePlace, findRunningServer, recordFile, type ServerRecord } from '../../control/server-record.ts';
import { readLock } from '../../environment/lock.ts';
import { type Check, note, ok } from '../check.ts';
import { typeOn } from '../remedies.ts';

/** Does the server run? If not, did it leave its record behind? */
export const server: Check = {
  name: 'server',
  async examine(subject) {
    const running = await findRunningServer(subject);
    if (running) {
      const place = await describePlace(subject, running);
      return [
        ok(
          running.url === undefined ? `The server is starting${place}.` : `The server runs at ${running.url}${place}.`,
        ),
      ];
    }
    const path = recordFile(subject);
    if (!(await isThere(path))) return [ok('The server does not run.')];
    const record = await readLock<ServerRecord>(path);
    const pid = record?.owner?.pid;
    const fact =
      pid === undefined ? `${path} names no process.` : `${path} names process ${pid}, which is not the server.`;
    const why =
      'The server ended without removing this file, for example because it was killed. The next serve replaces it.';
    return [note(fact, why, typeOn(['rm', '-f'], path))];
  },
};
