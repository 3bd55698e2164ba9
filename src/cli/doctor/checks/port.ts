import { once } from 'node:events';
import { createServer } from 'node:net';
import { hasCode } from '../../../errors.ts';
import { isPort } from '../../../settings/settings.ts';
import type { System } from '../../../system.ts';
import { findRunningServer } from '../../control/server-record.ts';
import { type Check, type Finding, note, ok, problem, type Subject } from '../check.ts';
import { sessapp, setVariable } from '../remedies.ts';

/** An address that the server listens on: the names of its variables and their defaults. */
interface Place {
  port: 'PORT' | 'METRICS_PORT';
  host: 'HOST' | 'METRICS_HOST';
  defaultPort?: string;
  defaultHost: string;
}

const places: Place[] = [
  { port: 'PORT', host: 'HOST', defaultPort: '5000', defaultHost: 'localhost' },
  { port: 'METRICS_PORT', host: 'METRICS_HOST', defaultHost: '127.0.0.1' },
];

/** Can the server listen on its addresses? */
export const port: Check = {
  name: 'port',
  async examine(subject, system) {
    return (await Promise.all(places.map((place) => examinePlace(place, subject, system)))).flat();
  },
};

async function examinePlace(place: Place, subject: Subject, system: System): Promise<Finding[]> {
  const { [place.port]: given = place.defaultPort, [place.host]: host = place.defaultHost } = subject.settings;
  const isMain = place.port === 'PORT';
  // Without METRICS_PORT, the server serves no metrics. The check `settings` reports a METRICS_PORT that is not valid.
  if (given === undefined || (!isMain && !isPort(given))) return [];
  if (!isPort(given)) {
    const remedy = await setVariable(subject, system, 'PORT', 5000);
    return [problem('PORT is not a valid port.', 'The server does not start.', ...remedy)];
  }
  const runs = (await findRunningServer(subject)) !== undefined;
  const refusal = runs ? undefined : await findRefusal(host, Number(given));
  if (refusal !== undefined) return [await explain(refusal, place, { host, port: Number(given) }, subject, system)];
  if (!isMain) return [];
  if (runs) return [ok('The server of this environment runs.')];
  return [ok(given === '0' ? 'The server uses any free port.' : `Port ${given} of ${host} is free.`)];
}

async function explain(
  refusal: Refusal,
  place: Place,
  { host, port }: { host: string; port: number },
  subject: Subject,
  system: System,
): Promise<Finding> {
  if (refusal === 'no-address') {
    const fact = `${place.host} is ${host}, but this machine has no such address.`;
    return problem(
      fact,
      'The server does not start.',
      ...(await setVariable(subject, system, place.host, 'localhost')),
    );
  }
  const other = port === 65535 ? port - 1 : port + 1;
  const remedy =
    place.port === 'PORT'
      ? [sessapp(subject.directory, 'serve', '--port', String(other))]
      : await setVariable(subject, system, place.port, other);
  // A server that was started without `sessapp serve`, for example by systemd, may use the port.
  const level = refusal === 'in-use' ? note : problem;
  const fact = `Port ${port} of ${host} ${refusalTexts[refusal]}.`;
  return level(fact, 'The server cannot start on this port.', 'Choose another port.', ...remedy);
}

type Refusal = 'in-use' | 'denied' | 'no-address';

const refusalTexts: Record<'in-use' | 'denied', string> = {
  'in-use': 'is in use by another program',
  denied: 'is not allowed for this user',
};

const refusals: Record<string, Refusal> = {
  EADDRINUSE: 'in-use',
  EACCES: 'denied',
  ENOTFOUND: 'no-address',
  EAI_AGAIN: 'no-address',
};

async function findRefusal(host: string, port: number): Promise<Refusal | undefined> {
  let isListenable = false;
  // The server skips an address that does not exist, such as ::1 when IPv6 is off. So does this check.
  for (const address of host === 'localhost' ? ['127.0.0.1', '::1'] : [host.replace(/^\[(.*)\]$/, '$1')]) {
    const server = createServer().listen({ host: address, port, exclusive: true });
    try {
      await once(server, 'listening');
      isListenable = true;
    } catch (error) {
      const refusal = refusals[(error as NodeJS.ErrnoException).code ?? ''];
      if (refusal !== undefined) return refusal;
      if (!hasCode(error, 'EADDRNOTAVAIL', 'EAFNOSUPPORT')) throw error;
    } finally {
      server.close();
    }
  }
  return isListenable ? undefined : 'no-address';
}
