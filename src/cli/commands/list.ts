import { widthOf } from '../columns.ts';
import type { Command } from '../command.ts';
import { type ListedEnvironment, listEnvironments } from '../control/listed.ts';
import { isListening } from '../control/server-record.ts';
import { findListRefusal } from '../environment/known.ts';
import { visible } from '../visible.ts';

const header = ['NAME', 'STORE', 'TEMPLATE', 'SESSAPP', 'SERVER', 'DIRECTORY'];

export const command: Command = {
  summary: 'list the environments on this machine that you have made or served',
  examples: ['sessapp list'],
  async run(_input, { system, output }) {
    const environments = await listEnvironments(system);
    if (environments.length === 0) {
      const refusal = await findListRefusal(system);
      if (refusal !== undefined) output.warn(`No environment can be added to the list: ${refusal}.`);
      output.note('The list is empty. To make an environment, type: sessapp init myenv');
      output.note('An existing environment is added to the list by its next serve, install or upgrade.');
    }
    const lines = renderTable(environments.map(toCells));
    const isTable = system.stdout.isTTY && lines.length > 1;
    const text = [...(isTable ? [output.style.bold(lines[0] ?? '')] : []), ...lines.slice(1)].join('\n');
    return { data: { environments: environments.map(toJson) }, text };
  },
};

function toJson({ name, directory, marker, server, problem }: ListedEnvironment): Record<string, unknown> {
  const { template = null, store = null, sessapp = null } = marker ?? {};
  const running = server && { url: server.url ?? null, pid: server.pid ?? server.owner.pid };
  return { name, directory, template, store, sessapp, server: running ?? null, problem: problem ?? null };
}

function toCells({ name, directory, marker, server, problem }: ListedEnvironment): string[] {
  const { template = '-', store = '-', sessapp = '-' } = marker ?? {};
  const state = server ? (isListening(server) ? server.url : 'starting') : '-';
  const place = problem === undefined ? directory : `${directory} (${problem})`;
  return [name, store, template, sessapp, state, place].map((cell) => visible(String(cell)));
}

function renderTable(rows: string[][]): string[] {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((cells) => widthOf(cells[column] ?? ''))));
  return all.map((cells) =>
    cells
      .map((cell, n) => pad(cell, widths[n] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function pad(cell: string, width: number): string {
  return cell + ' '.repeat(width - widthOf(cell));
}
