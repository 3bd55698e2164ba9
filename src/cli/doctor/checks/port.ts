import { once } from 'node:events';
import { createServer } from 'node:net';
import { hasCode } from '../../../errors.ts';
import { isPort } from '../../../settings/settings.ts';
import { findRunningServer } from '../../control/server-record.ts';
import { type Check, note, ok, problem } from '../check.ts';
import { sessapp, setVariable } from '../remedies.ts';

/** Is the port of the server free? */
export const port: Check = {
  name: 'port',
  async examine(subject, system) {
    const { PORT = '5000', HOST = 'localhost' } = subject.settings;
    const number = Number(PORT);
    if (!isPort(PORT)) {
      const remedy = await setVariable(subject, system, 'PORT', 5000);
      return [problem('PORT is not a valid port.', 'The server does not start.', ...remedy)];
    }
    if (await findRunningServer(subject)) return [ok('The server of this environment runs.')];
    const refused = await findRefusal(HOST, number);
    if (refused === undefined)
      return [ok(number === 0 ? 'The server uses any free port.' : `Port ${PORT} of ${HOST} is free.`)];
    const free = number === 65535 ? number - 1 : number + 1;
    const serve = sessapp(subject.directory, 'serve', '--port', String(free));
    const fact = `Port ${PORT} of ${HOST} ${refused}.`;
    return [note(fact, 'The server cannot start on this port.', 'Choose another port.', serve)];
  },
};

const refusals: Record<string, string> = {
  EADDRINUSE: 'is in use by another program',
  EACCES: 'is not allowed for this user',
  ENOTFOUND: 'cannot be used: this machine has no such address',
  EAI_AGAIN: 'cannot be used: this machine has no such address',
};

async function findRefusal(host: string, port: number): Promise<string | undefined> {
  // The server skips an address that does not exist, such as ::1 when IPv6 is off. So does this check.
  for (const address of host === 'localhost' ? ['127.0.0.1', '::1'] : [host.replace(/^\[(.*)\]$/, '$1')]) {
    const server = createServer().listen({ host: address, port, exclusive: true });
    try {
      await once(server, 'listening');
    } catch (error) {
      const refusal = refusals[(error as NodeJS.ErrnoException).code ?? ''];
      if (refusal !== undefined) return refusal;
      if (!hasCode(error, 'EADDRNOTAVAIL', 'EAFNOSUPPORT')) throw error;
    } finally {
      server.close();
    }
  }
  return undefined;
}
