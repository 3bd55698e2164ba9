import { type Command, environmentOperand, environmentOption, text } from '../command.ts';
import { findRunningServer, isListening, type ListeningServer } from '../control/server-record.ts';
import { countWorkers } from '../control/workers.ts';
import { type Environment, findEnvironment, promptOf } from '../environment/find.ts';
import { checkReadiness, nodeOf } from '../environment/readiness.ts';

export const command: Command = {
  summary: 'show the settings and the state of an environment',
  examples: ['sessapp info myenv'],
  operands: [environmentOperand],
  options: [environmentOption],
  async run(input, { system, output }) {
    const environment = await findEnvironment(system, input.operands[0], text(input, 'env'));
    const { directory, marker } = environment;
    const [dependencies, server] = await Promise.all([checkReadiness(environment), findRunningServer(environment)]);
    const { template, store, language, cookie, sessapp, migration } = marker;
    const node = {
      version: marker.node ?? process.versions.node,
      path: nodeOf(environment),
      own: marker.node !== undefined,
    };
    const data = {
      name: promptOf(environment),
      directory,
      template,
      store,
      migration: migration ?? null,
      language,
      cookie,
      madeBy: sessapp,
      node,
      dependencies,
      server: server && isListening(server) ? await describeServer(environment, server) : null,
    };
    const rows = {
      directory,
      template,
      store,
      ...(migration && { migration: `from ${migration.from} to ${migration.to}, phase ${migration.phase}` }),
      language,
      'session cookie': cookie,
      'made by': `sessapp ${sessapp}`,
      'Node.js': `${node.version} (${node.own ? 'its own' : node.path})`,
      dependencies: dependencies.replaceAll('-', ' '),
      server: server?.url ?? 'not running',
    };
    return { data, text: [output.style.bold(data.name), ...renderRows(rows)].join('\n') };
  },
};

async function describeServer(environment: Environment, server: ListeningServer): Promise<Record<string, unknown>> {
  const { workers } = await countWorkers(environment, server);
  return { url: server.url, pid: server.pid, workers };
}

function renderRows(rows: Record<string, string>): string[] {
  const width = Math.max(...Object.keys(rows).map((label) => label.length));
  return Object.entries(rows).map(([label, value]) => `  ${label.padEnd(width)}  ${value}`);
}
